"""What is read of a vault's bytes, and what of them is refused."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
from scene import FIXTURES, key_file
from signing import Owner, write_vault

from agent_vault import Vault, VaultError, VerificationError
from agent_vault.age import bech32
from agent_vault.age.identity import Identity
from agent_vault.format.names import format_secret_path, is_secret_path
from agent_vault.format.strict_yaml import read_yaml
from agent_vault.lock.lock import parse_lock
from agent_vault.lock.open_lock import open_lock
from agent_vault.lock.ssh_signature import parse_signature, parse_ssh_public_key
from agent_vault.lock.tree_list_cache import TreeListCache
from agent_vault.text.did_you_mean import did_you_mean

DIGEST = "sha256:" + "0" * 64
LOCK = (FIXTURES / "vaults" / "first" / "vault.lock").read_text()


def edited(old: str, new: str) -> bytes:
    assert old in LOCK
    return LOCK.replace(old, new, 1).encode("latin-1")


def test_a_lock_is_read() -> None:
    lock = parse_lock(LOCK.encode())
    assert lock.sequence > 1
    assert len(lock.previous) == 1
    assert [owner.name for owner in lock.owners] == ["olivia"]
    assert set(lock.trees) >= {"agents", "secrets/stripe"}


@pytest.mark.parametrize(
    "content",
    [
        LOCK[:-1].encode(),
        (LOCK + "\n").encode(),
        (LOCK + "more: 1\n").encode(),
        LOCK.replace("\n", "\r\n").encode(),
        edited("version: 1", "version: 2"),
        edited("sequence: ", "sequence: 0"),
        edited("sequence: ", "sequence: +"),
        re.sub("signed_at: ....-..", "signed_at: 2026-13", LOCK).encode(),
        edited("files:\n", f"files:\n  a.yaml: {DIGEST}\n  a.yaml: {DIGEST}\n"),
        edited("files:\n", f"files:\n  zzz: {DIGEST}\n"),
        edited("trees:\n", "trees: &a\n"),
        edited("  agents:", "  &x agents:"),
        edited("  agents:", '  "agents":'),
        edited("  agents:", "  # a comment\n  agents:"),
        edited("trees:\n", f"audit:\n  m: {{rows: 1, head: {DIGEST}}}\ntrees:\n"),
        edited("owners:\n", "owners:\n  - {name: a, key: ssh-ed25519 " + "A" * 68 + "}\n"),
        b"",
        b"\xff\xfe",
    ],
)
def test_a_lock_of_another_spelling_is_refused(content: bytes) -> None:
    with pytest.raises(VerificationError) as caught:
        parse_lock(content)
    assert caught.value.code == "BAD_SIGNATURE"


def test_a_lock_with_anchors_of_audit_logs_and_names_in_quotes_is_read() -> None:
    text = (
        LOCK
        + f'audit:\n  "0a1b": {{rows: 120, head: {DIGEST}}}\n  laptop: {{rows: 0, head: {DIGEST}}}\n  "on": {{rows: 9, head: {DIGEST}}}\n'
    )
    assert parse_lock(text.encode()).files


def test_a_signature_counts_for_its_purpose_and_bytes_alone() -> None:
    owner = Owner()
    lock = owner.lock({"config.yaml": b""}, {})
    assert open_lock(lock, owner.sign(lock)).signer == owner.key
    forged = [
        owner.sign(lock + b"\n"),
        owner.sign(lock, namespace=b"git"),
        owner.sign(lock, algorithm=b"sha256"),
        owner.sign(lock)[:-40],
        owner.sign(lock).replace(b"SSH SIGNATURE", b"PGP SIGNATURE"),
        b"-----BEGIN SSH SIGNATURE-----\n-----END SSH SIGNATURE-----\n",
        b"x" * 5000,
    ]
    for signature in forged:
        with pytest.raises(VerificationError) as caught:
            open_lock(lock, signature)
        assert caught.value.code == "BAD_SIGNATURE"


def test_a_signature_by_another_kind_of_key_is_refused() -> None:
    signature = (FIXTURES / "vaults" / "first" / "vault.lock.sig").read_bytes()
    assert parse_signature(signature).key.startswith("ssh-ed25519 ")
    assert parse_ssh_public_key("ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQ==") is None
    assert parse_ssh_public_key("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA==") is None
    assert parse_ssh_public_key(f"{Owner().key[:-1]}!") is None


def test_an_identity_shows_no_key() -> None:
    text = next(line for line in key_file("bot.key").read_text().splitlines() if line.startswith("AGE-"))
    assert repr(Identity(text)) == "Identity(x25519)"
    assert bech32.decode(text.lower(), "AGE-SECRET-KEY-") is None
    for at in range(20, len(text), 7):
        changed = text[:at] + ("Q" if text[at] != "Q" else "P") + text[at + 1 :]
        with pytest.raises(VaultError) as caught:
            Identity(changed)
        assert caught.value.code == "INVALID_KEY"


def test_names() -> None:
    assert all(map(is_secret_path, ["a", "a/b", "a.b_c-d/e", "A" * 64, "1/2/3/4/5/6/7/8"]))
    assert not any(
        map(is_secret_path, ["", "a/", "/a", "a//b", ".", "..", "a/../b", "-a", "_a", "a b", "A" * 65, "a.enc", "a/b.META", "a\n", "é"])
    )
    assert [format_secret_path(path) for path in ("default/a", "default/a/b", "x/a")] == ["a", "default/a/b", "x/a"]
    assert did_you_mean("api-kye", ["webhook", "API-key"]) == "Did you mean API-key? "
    assert did_you_mean("xyz", ["webhook"]) == ""


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: yes\nb: on\nc: 12:30\nd: 2026-01-01\ne: 1_000\n", {"a": "yes", "b": "on", "c": "12:30", "d": "2026-01-01", "e": "1_000"}),
        ("a: true\nb: ~\nc:\nd: 0o17\ne: 0x1F\nf: 017\n", {"a": True, "b": None, "c": None, "d": 15, "e": 31, "f": 17}),
        ("a: '1'\nb: \"x\\ny\"\nc: |\n  two\n  lines\n", {"a": "1", "b": "x\ny", "c": "two\nlines\n"}),
        ("- {a: [1, 2.5], b: {}}\n- []\n", [{"a": [1, 2.5], "b": {}}, []]),
        ("1: a\n", {"1": "a"}),
        ("", None),
    ],
)
def test_yaml_means_what_the_core_schema_says(text: str, value: object) -> None:
    assert read_yaml(text.encode(), "manifest.yaml") == value


@pytest.mark.parametrize(
    "content",
    [
        b"a: &x 1\n",
        b"a: *x\n",
        b"<<: {a: 1}\n",
        b"a: !!python/object/apply:os.system [id]\n",
        b"a: !x 1\n",
        b"a: 1\n---\nb: 2\n",
        b"a: 1\na: 2\n",
        b"[a]: 1\n",
        b"a: [\n",
        b"\xff",
        b"a: \x00\n",
        b"[" * 100_000,
        b"a" * (9 * 1024 * 1024),
    ],
)
def test_yaml_that_a_vault_does_not_use_is_refused(content: bytes) -> None:
    with pytest.raises(VaultError) as caught:
        read_yaml(content, "manifest.yaml")
    assert caught.value.code == "INVALID_YAML"


def test_a_large_folder_is_looked_through_once(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    owner, root = Owner(), machine / "repository" / ".agent-vault"
    write_vault(root, owner, {f"s{number}": str(number).encode() for number in range(300)})
    vault = Vault(root.parent, root.parent / "owner.key")
    assert vault.get("big/s7") == "7"
    (listing,) = (machine / "home" / ".agent-vault" / "trust" / "trees").rglob("*.list")
    assert oct(listing.stat().st_mode & 0o777) == "0o600"
    # With the list, only the file itself is read.
    (root / "secrets" / "big" / "s8.enc").write_bytes(b"tampered")
    assert vault.get("big/s7") == "7"
    with pytest.raises(VerificationError) as caught:
        vault.get("big/s8")
    assert caught.value.code == "TAMPERED"
    # A list without the signed digest is ignored.
    listing.write_bytes(listing.read_bytes().replace(b"  s7.enc", b"  s7.enx"))
    with pytest.raises(VerificationError) as caught:
        vault.get("big/s7")
    assert caught.value.code == "TAMPERED"
    assert TreeListCache(str(machine / "home" / ".agent-vault"), "no-such-vault").read("secrets/big", DIGEST) is None


@pytest.mark.skipif(os.name != "posix", reason="permissions of files")
def test_what_was_seen_is_kept_for_its_owner_alone(machine: Path) -> None:
    root = machine / "repository" / ".agent-vault"
    write_vault(root, Owner(), {"a": b"1"})
    assert Vault(root.parent, root.parent / "owner.key").get("big/a") == "1"
    trust = machine / "home" / ".agent-vault" / "trust"
    (folder,) = trust.iterdir()
    modes = {path.name: oct(path.stat().st_mode & 0o777) for path in (trust, folder, *folder.iterdir())}
    assert {mode for name, mode in modes.items() if name in ("trust", folder.name)} == {"0o700"}
    assert {mode for name, mode in modes.items() if name not in ("trust", folder.name)} == {"0o600"}
    assert "memory.json" in modes


@pytest.mark.parametrize("case", json.loads((FIXTURES.parent / "yaml-dialect.json").read_text()), ids=lambda case: str(case["what"]))
def test_yaml_that_parsers_read_in_more_than_one_way(case: dict[str, object]) -> None:
    content = str(case["text"]).encode()
    if "data" in case:
        assert read_yaml(content, "policy.yaml") == case["data"]
        return
    with pytest.raises(VaultError) as refused:
        read_yaml(content, "policy.yaml")
    assert refused.value.code == "INVALID_YAML"
