"""Credentials in URLs, and what else may be in a text by mistake."""

from __future__ import annotations

import re

_URL = re.compile(r"([a-z][a-z0-9+.-]*://)(.*)", re.IGNORECASE | re.ASCII | re.DOTALL)
#: What is before the path in a URL without credentials: a host with or without a port.
_HOST_AND_PORT = re.compile(r"(?:\[[^\]]*\]|[^:]*)(?::[0-9]*)?")
#: `user:password@` before `host:path`. In `git@host:path` the user is not a credential.
_SCP_CREDENTIALS = re.compile(r"\A[^\s/:@]*:(?![/:])\S*@(?=(?:\[[^\]\s]*\]|[^\s/:@]+):)")
#: Words like URLs, also with a slash missing; and `user:password@` before `host:path` or `host/path`.
_URLS_IN_TEXT = re.compile(
    r"""(file://|[a-z][a-z0-9+.-]+:/+)((?:[^\s'"]|['"](?=[^\s'"]*@))*)"""
    r"""|(?<![^\s'"(=/])[^\s'"/:@=(]*:(?![/:])[^\s'"]*@(?=(?:\[[^\]\s]*\]|[^\s'"/:@]+)[:/])""",
    re.IGNORECASE | re.ASCII,
)
#: Keys of age and its plugins, and tokens.
_KEYS_IN_TEXT = re.compile(
    r"(AGE-SECRET-KEY-(?:PQ-)?)[A-Z0-9]{4,}|(AGE-PLUGIN-)[A-Z0-9+._-]*1[A-Z0-9]{6,}|(avt1_)[A-Z0-9_-]+", re.IGNORECASE | re.ASCII
)


def without_credentials(url: str) -> str:
    """
    A remote's URL without user name, password, query and fragment. The rest is left as it is spelled.

    The trust store knows remotes by this URL, so the result must be the same in Node: both are tested with fixtures/remote-urls.json.
    """
    match = _URL.fullmatch(url)
    return match[1] + _without_user_and_query(match[1], match[2]) if match else _SCP_CREDENTIALS.sub("", url)


def hide_credentials(text: str) -> str:
    """A text without the credentials and queries of URLs, private keys and tokens. Every error and warning goes through it, as in Node."""
    hidden = _URLS_IN_TEXT.sub(lambda word: "" if word[1] is None else word[1] + _without_user_and_query(word[1], word[2]), text)
    return _KEYS_IN_TEXT.sub(lambda key: f"{key[1] or key[2] or key[3]}…", hidden)


def holds_key(text: str) -> bool:
    """Whether a text contains a private key or a token, so that it cannot be meant as the name of a file."""
    return _KEYS_IN_TEXT.search(text) is not None or "AGE-SECRET-KEY-" in text.upper() or "-----BEGIN AGE ENCRYPTED FILE-----" in text


def _without_user_and_query(scheme: str, rest: str) -> str:
    """`rest` is what comes after `scheme`, such as `https://`."""
    authority = rest.split("/", 1)[0]
    # Up to the last @ before the path, because a password can contain one; or of all, if a / in the password does not end a host.
    named = authority if "@" in authority or _HOST_AND_PORT.fullmatch(authority) else rest
    address = rest[named.rfind("@") + 1 :]
    return address if scheme.lower().startswith("file:") else re.sub(r"[?#].*?(?=[.,;:)]*\Z)", "", address, flags=re.DOTALL)
