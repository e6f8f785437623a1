"""What docs/python.md, the README and the doc strings show works as it is written there."""

from __future__ import annotations

import doctest
import inspect
import re
import shutil
import warnings
from pathlib import Path

import pytest
from scene import SIGNERS, Scene, key_file

import agent_vault

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = [
    (page, number, code)
    for page in ("docs/python.md", "sdk-python/README.md")
    for number, code in enumerate(re.findall(r"^```python\n(.*?)^```", (ROOT / page).read_text("utf-8"), re.DOTALL | re.MULTILINE))
]

DOCTESTS = [
    example
    for name in agent_vault.__all__
    for example in doctest.DocTestFinder(exclude_empty=True).find(getattr(agent_vault, name), name, extraglobs={})
    if example.examples
]


def test_there_are_examples() -> None:
    assert len(EXAMPLES) == 5


@pytest.mark.parametrize(("page", "number", "code"), EXAMPLES)
@pytest.mark.usefixtures("documented_vault")
def test_example(capsys: pytest.CaptureFixture[str], page: str, number: int, code: str) -> None:
    names: dict[str, object] = {}
    exec(compile(code, f"{page}, example {number}", "exec"), names)  # noqa: S102
    assert names.get("stripe_key", "sk_test_first") == "sk_test_first"
    assert names.get("certificate", b"\x00\xc8\xff\n") == b"\x00\xc8\xff\n"
    assert names.get("names", ["bot", "idle"]) == ["bot", "idle"]
    expected = re.findall(r"print\(error.remedy\)  # (.*)", code)
    assert capsys.readouterr().out == "".join(f"{line}\n" for line in expected)


@pytest.mark.parametrize("example", DOCTESTS, ids=[example.name for example in DOCTESTS])
@pytest.mark.usefixtures("documented_vault")
def test_example_in_a_doc_string(example: doctest.DocTest) -> None:
    said: list[str] = []
    with warnings.catch_warnings():
        doctest.DocTestRunner().run(example, out=said.append)
    assert said == []


def test_every_public_method_has_an_example() -> None:
    documented = {example.name for example in DOCTESTS}
    members = [f"Vault.{name}" for name in vars(agent_vault.Vault) if not name.startswith("_")]
    shapes = ["AgentInfo", "AgentVaultWarning", "Manifest", "SecretMetadata", "Vault", "Vault.__init__", "VaultError"]
    assert {*members, *shapes} <= documented


def test_everything_public_has_a_doc_string() -> None:
    for name in agent_vault.__all__:
        value = getattr(agent_vault, name)
        members = [member for key, member in vars(value).items() if not key.startswith("_") and callable(member)]
        assert all(inspect.getdoc(item) for item in [value, *members]), name


def test_every_error_and_member_is_documented() -> None:
    page = (ROOT / "docs/python.md").read_text("utf-8")
    members = [name for name in vars(agent_vault.Vault) if not name.startswith("_")]
    errors = [name for name in agent_vault.__all__ if name.endswith(("Error", "Warning"))]
    assert [name for name in [*members, *errors] if f"`{name}" not in page] == []


@pytest.fixture
def documented_vault(first: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """The vault and the key that the examples name, on a machine that knows its owner."""
    keys = first.home / "agents"
    keys.mkdir()
    shutil.copyfile(key_file("bot.key"), keys / "billing-agent.key")
    monkeypatch.setenv("AGENT_VAULT_OWNER", SIGNERS["owner"])
    monkeypatch.chdir(first.repository)
