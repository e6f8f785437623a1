"""The parts of a reader make of the vaults in fixtures/states what is written there, as Node does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from scene import STATES, Case, lay

from agent_vault import VaultError
from agent_vault.files.vault_files import VaultFiles
from agent_vault.files.vault_folder import VaultFolder
from agent_vault.lock.ancestry import Ancestry
from agent_vault.lock.digest import digest_of
from agent_vault.lock.open_lock import open_lock_in
from agent_vault.lock.signed_files import SignedFiles
from agent_vault.lock.signer_locks import signer_locks


def read(root: Path) -> dict[str, Any]:
    files = VaultFiles(VaultFolder(str(root)))
    signed = open_lock_in(files)
    assert signed is not None
    files.vouch(SignedFiles(signed.lock, files.source))
    files.require_all()
    content = files.read("vault.states")
    ancestry = Ancestry.parse(content)
    lines = (content or b"").decode().splitlines()
    assert len(ancestry) == len(lines)
    assert all(f"sha256:{line}{'0' * 32}" in ancestry for line in lines)
    signers = [signer.digest for signer in signer_locks(files, signed.lock.vault)]
    return {"sequence": signed.lock.sequence, "previous": list(signed.lock.previous), "states": lines, "signers": signers}


@pytest.mark.parametrize("case", STATES, ids=[case["name"] for case in STATES])
def test_state(case: Case, tmp_path: Path) -> None:
    root = tmp_path / ".agent-vault"
    lay(root, case["vault"], case.get("change", []))
    if "error" not in case:
        assert read(root) == case["state"]
        return
    with pytest.raises(VaultError) as caught:
        read(root)
    assert caught.value.code == case["error"]


def test_what_is_behind_a_merge_is_all_that_is_behind_its_parents() -> None:
    states = [digest_of(str(number).encode()) for number in range(20)]
    ours = Ancestry.following((state, Ancestry()) for state in states[:7])
    theirs = Ancestry.following((state, Ancestry()) for state in states[5:12])
    merged = Ancestry.following([(states[12], ours), (states[13], theirs)])
    assert [state in merged for state in states] == [index < 14 for index in range(20)]
    assert len(merged) == 14
    assert len(Ancestry.following([])) == 0
