"""Checks what a program gives; one without types may give anything. Every function raises `USAGE`."""

from __future__ import annotations

import os

from .errors import VaultError, error


def require_path(what: str, value: str | os.PathLike[str]) -> str:
    return require_text(what, os.fspath(value) if isinstance(value, os.PathLike) else value)


def require_descriptor(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    raise usage("passphrase_fd must be the number of a file descriptor")


def require_text(what: str, value: object) -> str:
    if isinstance(value, str) and value != "":
        return value
    raise usage(f"{what} must be a string that is not empty")


def usage(message: str) -> VaultError:
    return error("USAGE", f"{message}.", 'For example: Vault(".").get("group/name").')
