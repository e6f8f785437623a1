"""The whole names of refs."""

from __future__ import annotations

import re

_OBJECT_ID = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


def is_full_ref(text: str) -> bool:
    """Whether a text is a ref's whole name, such as `refs/heads/main`, by the rules of `git check-ref-format`."""
    return (
        re.fullmatch(r"refs(?:/[^/]+)+", text) is not None
        and not re.search(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|\.\Z", text)
        and not any(part.startswith(".") or part.endswith(".lock") for part in text.split("/"))
    )


def is_object_id(text: str) -> bool:
    """Whether a text is the whole id of an object."""
    return _OBJECT_ID.fullmatch(text) is not None
