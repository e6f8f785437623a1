"""Takes down the uses of a vault, each before its value is given out."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping, Sequence

from ..context import home_folder
from ..error_codes import ERROR_CODES
from ..errors import VaultError, error
from ..files.vault_files import VaultFiles
from ..format.layout import FIRST_OWNER_FILE
from ..keys.key_file import Keys
from ..keys.require_not_removed import identify_principal
from ..lock.digest import digest_of
from ..record.audit_event import AuditEvent, AuditRow, row_of
from ..record.invocation_context import invocation_context
from ..record.unrecorded_uses import count_unrecorded_use
from ..spool.segment import unknown_recipient
from .audit_line import audit_line, forget_writer, new_row_id, otlp_body
from .audit_sink import AuditSink, require_allowed

_X25519 = "age1"
_POST_QUANTUM = "age1pq1"

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=forget_writer)


class Recorder:
    """Records the uses of one vault, as one state of it and one key have them."""

    def __init__(self, root: str, files: VaultFiles, judging: Sequence[VaultFiles], keys: Keys, env: Mapping[str, str], sink: AuditSink):
        self._root = root
        self._files = files
        self._judging = judging
        self._keys = keys
        self._env = env
        self._kind = "spool" if sink.kind == "ledger" else sink.kind
        self._path = sink.path

    def done(self, secrets: Sequence[str], reason: str | None = None) -> None:
        """
        Records a use. On return it is where it belongs, and only then may a value be given out.

        Raises `LEDGER_UNAVAILABLE`, `UNWRITABLE`, `DISK_FULL`, `LEDGER_FOLDER`: then nothing is on record.
        """
        require_allowed(self._judging, self._kind)
        self._record("done", secrets, reason)

    def failed(self, secrets: Sequence[str], failure: VaultError) -> None:
        """Records what was refused or failed, if that is possible. It is refused either way."""
        entry = ERROR_CODES.get(failure.code)
        outcome = "denied" if entry and entry.kind in ("key", "refused") else "failed"
        with contextlib.suppress(VaultError):
            self._record(outcome, secrets, f"{failure.message} [{failure.code}]")

    def _record(self, outcome: str, secrets: Sequence[str], reason: str | None) -> None:
        vault = self._vault()
        if self._kind == "off":
            return count_unrecorded_use(home_folder(self._env), vault)
        principal = identify_principal(self._files, self._keys)
        where = invocation_context(self._root, self._env)
        event = AuditEvent(
            action="get",
            outcome=outcome,
            who=principal[1] if principal else None,
            identity=self._keys.identities[0].recipient(),
            harness=where.harness,
            secrets=tuple(secrets),
            folder=where.folder,
            repository=where.repository,
            branch=where.branch,
            reason=reason,
        )
        try:
            self._write(row_of(event), vault)
        except VaultError as failure:
            raise _not_recorded(failure) from failure

    def _write(self, row: AuditRow, vault: str) -> None:
        env = self._env
        if self._kind == "spool":
            from ..spool.spool_writer import spool_writer

            spool_writer(env, vault, self._keys.identities[0]).append(row, self.recipients)
        elif self._kind == "otlp":
            from .otlp_request import send_to_collector

            send_to_collector(env, otlp_body(row, new_row_id(), vault))
        else:
            from .write_line import append_line, write_to_standard_error

            line = audit_line(row, new_row_id(), vault)
            if self._kind == "file":
                append_line(self._path, line)
            else:
                write_to_standard_error(line)

    def recipients(self) -> list[str]:
        """The owners, and the key at work. Raises `LEDGER_UNAVAILABLE` without an owner, and for a key that pyrage does not know."""
        owners = owner_recipients(self._files)
        if not owners:
            raise error(
                "LEDGER_UNAVAILABLE",
                "The vault names no owner, so nobody could read the spool.",
                "Have an owner run agent-vault verify, and put the vault in order.",
            )
        if not can_encrypt_to(owners):
            raise unknown_recipient()
        return list(dict.fromkeys([*owners, self._keys.identities[0].recipient()]))

    def _vault(self) -> str:
        """The id that a vault's audit log goes by. A vault of agent-vault 0.1 has none, and its owner's key tells it apart."""
        if self._files.signed:
            return self._files.signed.lock.vault
        owner = self._files.read(FIRST_OWNER_FILE)
        return f"unsigned-{digest_of(self._root.encode() if owner is None else owner)[7:39]}"


def owner_recipients(files: VaultFiles) -> list[str]:
    """The recipients of the owners."""
    names = [FIRST_OWNER_FILE, *(file for file in files.files_below("owners") if file.endswith(".pub"))]
    contents = [content for name in names if (content := files.read(name)) is not None]
    return [content.decode("utf-8", "replace").strip() for content in contents]


def can_encrypt_to(recipients: Sequence[str]) -> bool:
    """Whether pyrage knows the kind of all of them."""
    return all(text.startswith(_X25519) and not text.startswith(_POST_QUANTUM) for text in recipients)


def _not_recorded(failure: VaultError) -> VaultError:
    """The error for a use that could not be recorded and so was not made; it says how to go on."""
    if failure.remedy and "AGENT_VAULT_AUDIT" in failure.remedy:
        return failure
    elsewhere = (
        "Set AGENT_VAULT_HOME to a folder that can be written, or AGENT_VAULT_AUDIT to otlp, stderr or file:PATH; to go"
        if failure.code in ("UNWRITABLE", "DISK_FULL", "LEDGER_FOLDER")
        else "To go"
    )
    way_on = f"Nothing was done, because it could not be recorded. {elsewhere} without an audit log, set AGENT_VAULT_AUDIT=off."
    return error(failure.code, failure.message, f"{failure.remedy} {way_on}" if failure.remedy else way_on)
