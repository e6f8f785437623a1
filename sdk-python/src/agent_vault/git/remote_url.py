"""The URL of a git remote."""

from __future__ import annotations

import re

#: Up to the last `@` before the path: a password can contain one. In `git@host:path` the user is not a credential.
_CREDENTIALS = re.compile(r"\A([a-z][a-z0-9+.-]*://)[^/]*@", re.IGNORECASE | re.ASCII)
_CREDENTIALS_IN_TEXT = re.compile(r"(://)[^/\s'\"]*@")


def without_credentials(url: str) -> str:
    """
    A remote's URL without user name and password. The rest is left as it is spelled.

    The trust store knows remotes by this URL, so the result must be the same in Node: both are tested with fixtures/remote-urls.json.
    """
    return _CREDENTIALS.sub(r"\1", url)


def hide_credentials(text: str) -> str:
    """What git says, without the credentials in its URLs. git itself leaves the part of a password after an `@`."""
    return _CREDENTIALS_IN_TEXT.sub(r"\1", text)
