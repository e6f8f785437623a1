"""The URL of a git repository."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit, urlunsplit

from ..errors import error
from .full_ref import is_full_ref

#: `git@host:path`, `user:password@host/path`, and everything with a scheme, also mistyped.
_URL = re.compile(r"\s*(?:[A-Za-z][A-Za-z0-9+.-]+:[/:]|[^\s/\\:@]*@[^\s/:@\\]+:|[^\s/\\]*:[^\s\\]*@[^\s/:@\\]+[:/])", re.ASCII)


def is_like_url(path: str) -> bool:
    """Whether somebody means a URL, although a path is expected. A folder of such a name can be written as `./NAME`."""
    return _URL.match(path) is not None


@dataclass(frozen=True)
class RepositoryUrl:
    """A git repository's URL, with what opens it apart, so that it gets into no message, file or argument."""

    #: Without a password; and without a user name except for ssh, where it is no secret.
    address: str
    #: The value of an `Authorization` header.
    authorization: str | None = None
    #: The ref after `#`, which is followed in place of the vault's main one: a branch or tag, or a whole name such as `refs/heads/main`.
    ref: str | None = None


_SHORT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*@[A-Za-z0-9][A-Za-z0-9.-]*:(?!//)[^\x00-\x1f\x7f]+", re.ASCII)


def parse_repository_url(text: str) -> RepositoryUrl | None:
    """
    `https://`, `ssh://`, `file://`, or ssh's short form `user@host:path`; with `#REF` behind it, that ref is followed alone.

    `None` for what is no URL, such as a path. Raises `USAGE` for another kind of URL, and for what looks like a mistyped one.
    """
    repository, mark, ref = text.partition("#")
    is_short = _SHORT.fullmatch(repository) is not None
    if not is_short and not is_like_url(text):
        return None
    followed = _require_ref(ref) if mark else None
    if is_short:
        return RepositoryUrl(repository, ref=followed)
    try:
        url = urlsplit(repository)
        port = url.port
    except ValueError:
        raise _unusable() from None
    is_whole = re.match(r"[A-Za-z][A-Za-z0-9+.-]+://", repository) is not None and not re.search(r"\s", repository)
    if (
        not is_whole
        or url.scheme.lower() not in ("https", "ssh", "file")
        or url.query
        or (url.scheme.lower() != "file" and not url.hostname)
    ):
        raise _unusable()
    scheme = url.scheme.lower()
    default = {"https": 443, "ssh": None}.get(scheme)
    host = (url.hostname or "") + (f":{port}" if port is not None and port != default else "")
    user = f"{url.username}@" if scheme == "ssh" and url.username else ""
    path = url.path or ("/" if scheme == "https" else "")
    is_basic = scheme == "https" and bool(url.username or url.password)
    plain = f"{unquote(url.username or '')}:{unquote(url.password or '')}"
    authorization = f"Basic {base64.b64encode(plain.encode()).decode('ascii')}" if is_basic else None
    return RepositoryUrl(urlunsplit((scheme, f"{user}{host}", path, "", "")), authorization, followed)


def authorization_variables(env: Mapping[str, str], url: RepositoryUrl) -> dict[str, str]:
    """
    The variables with which git sends the authorization to the URL's host and nowhere else; a redirect is not followed.

    They are for a git that talks to the remote and for no other, because every program that git starts can read them.
    """
    if url.authorization is None:
        return {}
    parts = urlsplit(url.address)
    settings = [
        (f"http.{parts.scheme}://{parts.netloc}/.extraHeader", f"Authorization: {url.authorization}"),
        # The whole address, because the setting for the longest match counts.
        (f"http.{url.address}.followRedirects", "false"),
    ]
    announced = env.get("GIT_CONFIG_COUNT", "0")
    count = int(announced) if announced.isdecimal() else 0
    numbered = [(count + index, name, value) for index, (name, value) in enumerate(settings)]
    variables = {f"GIT_CONFIG_KEY_{index}": name for index, name, _ in numbered} | {
        f"GIT_CONFIG_VALUE_{index}": value for index, _, value in numbered
    }
    return {"GIT_CONFIG_COUNT": str(count + len(settings)), **variables}


def _require_ref(ref: str) -> str:
    """What follows the `#` is not shown: it may be part of a password."""
    is_name = is_full_ref(ref) if ref.startswith("refs/") else is_full_ref(f"refs/heads/{ref}") and ref != "HEAD"
    if is_name and not ref.startswith("-"):
        return ref
    raise error(
        "USAGE",
        "What follows the # of the repository's URL is no name of a branch or tag.",
        "Write URL#BRANCH, URL#TAG or URL#refs/heads/BRANCH, or leave the # out to follow the vault's main branch.",
    )


def _unusable() -> Exception:
    return error(
        "USAGE",
        "A vault cannot be read from a URL of this kind.",
        "Use a URL that begins with https://, ssh:// or file://, or user@host:path, without ?, and with #REF for another branch. Write a "
        "folder of such a name as ./NAME.",
    )
