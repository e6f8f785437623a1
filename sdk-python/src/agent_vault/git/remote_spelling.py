"""The one spelling of a git remote's URL."""

from __future__ import annotations

import os
import re

from ..text.utf8 import readable

#: What git connects to where a URL names no port.
_DEFAULT_PORTS = {"https": "443", "http": "80", "ssh": "22", "git": "9418", "git+ssh": "22", "ssh+git": "22"}
_ADDRESS = r"\[[0-9a-fA-F:.]+\]"
_URL_FORM = re.compile(rf"([a-z][a-z0-9+.-]*)://(?:[^/]*@)?({_ADDRESS}|[^/:]*)(?::([0-9]*))?(/.*)?", re.IGNORECASE | re.DOTALL | re.ASCII)
#: ssh's short form, `user@host:path`. A single letter before the colon is a drive.
_SCP_FORM = re.compile(rf"(?:[^@/:]*@)?({_ADDRESS}|[^@/:\[\]]{{2,}}):(.*)", re.DOTALL)
_HELPER = re.compile(r"[a-z0-9+.-]+::", re.IGNORECASE | re.ASCII)
_ESCAPE = re.compile(r"%([0-9a-f]{2})", re.IGNORECASE | re.ASCII)
_ESCAPES = re.compile(r"(?:%(?!00)[0-9a-f]{2})+", re.IGNORECASE | re.ASCII)


def spell_remote(url: str, folder: str | None = None) -> str:
    """
    What differs between two URLs of a remote, and not between two remotes, is left out.

    The scheme and the user are dropped, the host is lower-cased, a default port goes, `%` is decoded where it stands for a letter, digit,
    `-`, `.`, `_` or `~` (RFC 3986, section 2.3), and one `/` and one `.git` at the end are cut; a local path is the real one. `url` is as
    git uses it, with `insteadOf` applied, and `folder` is what a relative path is relative to.

    The memory of trust knows a remote by this text, in Node and in Python: fixtures/remote-spellings.json has what both come to.
    """
    parsed = _URL_FORM.fullmatch(url)
    if parsed:
        scheme, host, port, path = parsed[1].lower(), parsed[2], parsed[3], parsed[4] or ""
        if scheme == "file":
            return _local_path(_ESCAPES.sub(_decoded, path), folder)
        return _spell(f"{host}:{port}" if port and port != _DEFAULT_PORTS.get(scheme) else host, path)
    # A remote helper, such as ext::, is known by its own words.
    if _HELPER.match(url):
        return url
    short = _SCP_FORM.fullmatch(url)
    return _spell(short[1], f"/{short[2]}") if short else _local_path(url, folder)


def _spell(host: str, path: str) -> str:
    def decode(escape: re.Match[str]) -> str:
        character = chr(int(escape[1], 16))
        return character if re.fullmatch("[A-Za-z0-9._~-]", character) else escape[0].upper()

    decoded = re.sub(r"\A/+", "/", _ESCAPE.sub(decode, path)).removesuffix("/")
    return f"{host.lower()}{decoded.removesuffix('.git')}"


def _decoded(escapes: re.Match[str]) -> str:
    return os.fsdecode(bytes.fromhex(escapes[0].replace("%", "")))


def _local_path(path: str, folder: str | None) -> str:
    """git finds a bare repository also without the `.git` of its name."""
    absolute = path if folder is None else re.sub(r"\A/+", "/", os.path.abspath(os.path.join(folder, path)))
    present = next((candidate for candidate in (absolute, f"{absolute}.git") if os.path.exists(candidate)), None)
    spelled = os.path.realpath(present) if present else re.sub(r"(.)/\Z", r"\1", absolute)
    return readable(spelled)
