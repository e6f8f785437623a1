"""Which refs a remote has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .full_ref import is_full_ref, is_object_id
from .remote import ask_remote
from .repository import GitRepository


@dataclass(frozen=True)
class RemoteRefs:
    """The refs that a remote says it has."""

    #: The branch that its HEAD is; `None` where that is detached, or the remote does not say.
    head: str | None
    #: Refs by their whole names, with the ids of the objects that they name.
    refs: Mapping[str, str]


def list_remote(repository: GitRepository, remote: str) -> RemoteRefs:
    """What is not a ref's whole name and an object's id is left out. `remote` is the name of a remote, or a URL. Raises `GIT_FAILED`."""
    output = ask_remote(repository, ["ls-remote", "--quiet", "--symref", "--", remote]).stdout.decode("utf-8", "surrogateescape")
    refs: dict[str, str] = {}
    head = None
    for line in output.split("\n"):
        value, _, name = line.partition("\t")
        if name == "HEAD" and value.startswith("ref: ") and is_full_ref(value.removeprefix("ref: ")):
            head = value.removeprefix("ref: ")
        elif is_object_id(value) and is_full_ref(name):
            refs[name] = value
    return RemoteRefs(head, refs)
