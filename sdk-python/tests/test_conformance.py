"""The Python SDK gives the results of fixtures/conformance, as the Node SDK and the command line do."""

from __future__ import annotations

import base64
import re
from pathlib import Path
from typing import Any

import pytest
from scene import CASES, Case, Scene

from agent_vault import Vault, VaultError

#: Parts of the values in the fixtures. No error may contain them.
VALUES = re.compile("sk_test|sk_of|demo_stripe|not for bot")
#: One line that ends with one full stop.
SENTENCES = re.compile(r".+[^.]\.")


@pytest.mark.filterwarnings("ignore::agent_vault.AgentVaultWarning")
@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
@pytest.mark.usefixtures("command_line")
def test_case(case: Case, machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(machine, case)
    for name, value in scene.env.items():
        monkeypatch.setenv(name, value)
    vault: Vault | None = None

    def answer(call: dict[str, Any]) -> dict[str, Any]:
        nonlocal vault
        vault = vault or Vault(scene.repository, key_path=scene.key_path, key_str=scene.key_str)
        return ask(vault, call)

    for call in case["calls"]:
        if "python" not in call.get("doors", ["python"]):
            continue
        if "push" in call:
            scene.push(call["push"], call.get("change", []))
            continue
        scene.fetch_again()
        if "error" in call:
            with pytest.raises(VaultError) as caught:
                answer(call)
            assert caught.value.code == call["error"]
            assert call.get("mentions", "") in str(caught.value)
            assert not VALUES.search(str(caught.value))
            assert all(SENTENCES.fullmatch(text) for text in (caught.value.message, caught.value.remedy) if text)
        else:
            assert answer(call) == {name: value for name, value in call.items() if name != "doors"}
    if "remembers" in case:
        assert scene.remembered() == case["remembers"]


def ask(vault: Vault, call: dict[str, Any]) -> dict[str, Any]:
    if "get" in call:
        return {"get": call["get"], "value": vault.get(call["get"])}
    if "get_bytes" in call:
        return {"get_bytes": call["get_bytes"], "base64": base64.b64encode(vault.get_bytes(call["get_bytes"])).decode()}
    if "list_agents" in call:
        return {"list_agents": True, "agents": vault.list_agents()}
    secrets = [
        {
            "name": secret.name,
            "group": secret.group,
            "agents": list(secret.authorized_agents),
            **({"expires": f"{secret.expires:%Y-%m-%dT%H:%M:%SZ}"} if secret.expires else {}),
        }
        for secret in vault.list_secrets(call["list_secrets"])
    ]
    return {"list_secrets": call["list_secrets"], "secrets": secrets}
