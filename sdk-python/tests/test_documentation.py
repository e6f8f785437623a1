"""What docs/python.md and the README show works as it stands there."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from scene import Scene, key_file

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = [
    (page, number, code)
    for page in ("docs/python.md", "sdk-python/README.md")
    for number, code in enumerate(re.findall(r"^```python\n(.*?)^```", (ROOT / page).read_text("utf-8"), re.DOTALL | re.MULTILINE))
]


def test_there_are_examples() -> None:
    assert len(EXAMPLES) == 4


@pytest.mark.parametrize(("page", "number", "code"), EXAMPLES)
def test_example(
    first: Scene, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], page: str, number: int, code: str
) -> None:
    keys = first.home / "agents"
    keys.mkdir()
    shutil.copyfile(key_file("bot.key"), keys / "billing-agent.key")
    monkeypatch.chdir(first.repository)
    names: dict[str, object] = {}
    exec(compile(code, f"{page}, example {number}", "exec"), names)  # noqa: S102
    assert names.get("stripe_key", "sk_test_first") == "sk_test_first"
    assert names.get("certificate", b"\x00\xc8\xff\n") == b"\x00\xc8\xff\n"
    assert names.get("names", ["bot", "idle"]) == ["bot", "idle"]
    expected = re.findall(r"print\(error.remedy\)  # (.*)", code)
    assert capsys.readouterr().out == "".join(f"{line}\n" for line in expected)


def test_every_error_and_member_is_told() -> None:
    import agent_vault

    page = (ROOT / "docs/python.md").read_text("utf-8")
    members = [name for name in vars(agent_vault.Vault) if not name.startswith("_")]
    errors = [name for name in agent_vault.__all__ if name.endswith(("Error", "Warning"))]
    assert [name for name in [*members, *errors] if f"`{name}" not in page] == []
