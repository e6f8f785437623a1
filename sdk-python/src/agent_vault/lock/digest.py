"""Digests as they are written in a lock."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping

DIGEST_PATTERN = re.compile(r"sha256:[0-9a-f]{64}")


def digest_of(content: bytes) -> str:
    """`sha256:` and 64 hexadecimal digits."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def tree_list(files: Mapping[str, str]) -> bytes:
    """A line `SHA256␠␠PATH` for each file, sorted by the bytes of their paths, as `sha256sum` prints it."""
    return "".join(f"{digest.removeprefix('sha256:')}  {file}\n" for file, digest in sorted(files.items())).encode("ascii")
