"""The URL of a git repository."""

from __future__ import annotations

import re

#: `git@host:path`, `user:password@host/path`, and everything with a scheme, also mistyped.
_URL = re.compile(r"\s*(?:[A-Za-z][A-Za-z0-9+.-]+:[/:]|[^\s/\\:@]*@[^\s/:@\\]+:|[^\s/\\]*:[^\s\\]*@[^\s/:@\\]+[:/])", re.ASCII)


def is_like_url(path: str) -> bool:
    """Whether somebody means a URL, although a path is expected. A folder of such a name can be written as `./NAME`."""
    return _URL.match(path) is not None
