"""Every error code, as in packages/vault/src/errors.ts."""

from __future__ import annotations

from typing import NamedTuple


class ErrorEntry(NamedTuple):
    """What belongs to an error code."""

    #: The exit code of the command line.
    exit_code: int
    #: What a caller can do about it; `verification` is a vault that is not what its owner signed.
    kind: str
    #: The name of the class in `agent_vault.errors`.
    class_name: str


ERROR_CODES: dict[str, ErrorEntry] = {
    "FAILED": ErrorEntry(1, "failed", "VaultError"),
    "UNWRITABLE": ErrorEntry(1, "failed", "VaultError"),
    "DISK_FULL": ErrorEntry(1, "failed", "VaultError"),
    "GIT_MISSING": ErrorEntry(1, "failed", "VaultError"),
    "GIT_FAILED": ErrorEntry(1, "failed", "VaultError"),
    "SIGNING_FAILED": ErrorEntry(1, "failed", "VaultError"),
    "LEDGER_UNAVAILABLE": ErrorEntry(1, "failed", "VaultError"),
    "LEDGER_FOLDER": ErrorEntry(1, "failed", "VaultError"),
    "LEDGER_NEWER": ErrorEntry(1, "failed", "VaultError"),
    "NO_PRIVATE_STORAGE": ErrorEntry(1, "failed", "VaultError"),
    "USAGE": ErrorEntry(2, "usage", "VaultError"),
    "INVALID_NAME": ErrorEntry(2, "usage", "VaultError"),
    "INVALID_VALUE": ErrorEntry(2, "usage", "VaultError"),
    "VALUE_REQUIRED": ErrorEntry(2, "usage", "VaultError"),
    "VALUE_TOO_LARGE": ErrorEntry(2, "usage", "VaultError"),
    "INVALID_VARIABLE": ErrorEntry(2, "usage", "VaultError"),
    "INVALID_REFERENCE": ErrorEntry(2, "usage", "VaultError"),
    "INVALID_PROFILE": ErrorEntry(2, "usage", "VaultError"),
    "VAULT_NOT_FOUND": ErrorEntry(3, "not_found", "VaultNotFoundError"),
    "REPOSITORY_NOT_FOUND": ErrorEntry(3, "not_found", "VaultError"),
    "SECRET_NOT_FOUND": ErrorEntry(3, "not_found", "SecretNotFoundError"),
    "AGENT_NOT_FOUND": ErrorEntry(3, "not_found", "VaultError"),
    "GROUP_NOT_FOUND": ErrorEntry(3, "not_found", "ManifestError"),
    "OWNER_NOT_FOUND": ErrorEntry(3, "not_found", "VaultError"),
    "FILE_NOT_FOUND": ErrorEntry(3, "not_found", "VaultError"),
    "NOT_GRANTED": ErrorEntry(3, "not_found", "VaultError"),
    "PROFILE_NOT_FOUND": ErrorEntry(3, "not_found", "VaultError"),
    "TOKEN_NOT_FOUND": ErrorEntry(3, "not_found", "VaultError"),
    "SESSION_NOT_FOUND": ErrorEntry(3, "not_found", "VaultError"),
    "NO_KEY": ErrorEntry(4, "key", "VaultNotFoundError"),
    "INVALID_KEY": ErrorEntry(4, "key", "VaultError"),
    "NOT_AUTHORIZED": ErrorEntry(4, "key", "NotAuthorizedError"),
    "WRONG_PASSPHRASE": ErrorEntry(4, "key", "VaultError"),
    "PASSPHRASE_REQUIRED": ErrorEntry(4, "key", "VaultError"),
    "LEDGER_KEY": ErrorEntry(4, "key", "VaultError"),
    "INVALID_YAML": ErrorEntry(5, "invalid", "ManifestError"),
    "INVALID_CONFIG": ErrorEntry(5, "invalid", "ManifestError"),
    "INVALID_MANIFEST": ErrorEntry(5, "invalid", "ManifestError"),
    "INVALID_METADATA": ErrorEntry(5, "invalid", "ManifestError"),
    "INVALID_RECIPIENT": ErrorEntry(5, "invalid", "ManifestError"),
    "MIXED_RECIPIENTS": ErrorEntry(5, "invalid", "VerificationError"),
    "DAMAGED": ErrorEntry(5, "invalid", "VerificationError"),
    "LINK_IN_VAULT": ErrorEntry(5, "verification", "VerificationError"),
    "UNSIGNED": ErrorEntry(5, "verification", "VerificationError"),
    "BAD_SIGNATURE": ErrorEntry(5, "verification", "VerificationError"),
    "UNTRUSTED_SIGNER": ErrorEntry(5, "verification", "VerificationError"),
    "WRONG_VAULT": ErrorEntry(5, "verification", "VerificationError"),
    "TAMPERED": ErrorEntry(5, "verification", "VerificationError"),
    "ROLLBACK": ErrorEntry(5, "verification", "VerificationError"),
    "FORKED": ErrorEntry(5, "verification", "VerificationError"),
    "EXPIRED_STATE": ErrorEntry(5, "verification", "VerificationError"),
    "UNEXPECTED_RECIPIENT": ErrorEntry(5, "verification", "VerificationError"),
    "CHECK_FAILED": ErrorEntry(5, "invalid", "VaultError"),
    "KEY_MATERIAL": ErrorEntry(5, "invalid", "VaultError"),
    "LEDGER_DAMAGED": ErrorEntry(5, "invalid", "VaultError"),
    "CONFIRMATION_REQUIRED": ErrorEntry(6, "refused", "VaultError"),
    "INVALID_POLICY": ErrorEntry(6, "refused", "VaultError"),
    "POLICY_DENIED": ErrorEntry(6, "refused", "VaultError"),
    "HARNESS_DENIED": ErrorEntry(6, "refused", "VaultError"),
    "APPROVAL_DENIED": ErrorEntry(6, "refused", "VaultError"),
    "APPROVAL_UNAVAILABLE": ErrorEntry(6, "refused", "VaultError"),
    "TOKEN_INVALID": ErrorEntry(6, "refused", "VaultError"),
    "TOKEN_EXPIRED": ErrorEntry(6, "refused", "VaultError"),
    "TOKEN_REVOKED": ErrorEntry(6, "refused", "VaultError"),
    "TOKEN_USED_UP": ErrorEntry(6, "refused", "VaultError"),
    "TOKEN_DENIED": ErrorEntry(6, "refused", "VaultError"),
    "SECRET_TOO_SHORT": ErrorEntry(6, "refused", "VaultError"),
    "ALREADY_EXISTS": ErrorEntry(7, "conflict", "VaultError"),
    "REPOSITORY_BUSY": ErrorEntry(7, "conflict", "VaultError"),
    "CONFLICT": ErrorEntry(7, "conflict", "VaultError"),
    "BUSY": ErrorEntry(8, "busy", "VaultError"),
    "TIMED_OUT": ErrorEntry(124, "command", "VaultError"),
    "COMMAND_NOT_EXECUTABLE": ErrorEntry(126, "command", "VaultError"),
    "ENVIRONMENT_TOO_LARGE": ErrorEntry(126, "command", "VaultError"),
    "COMMAND_NOT_FOUND": ErrorEntry(127, "command", "VaultError"),
}
