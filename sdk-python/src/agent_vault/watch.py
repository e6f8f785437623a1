"""What a program is told of a secret that it watches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import threading


@dataclass(frozen=True)
class SecretChange:
    """
    What has changed.

    `kind` is `value` if a new value was set, `granted` or `revoked` if the key gained or lost the secret, `deleted` if the secret is gone.

    >>> from agent_vault import SecretChange
    >>> SecretChange("stripe/api-key", "value").kind
    'value'
    """

    path: str
    kind: Literal["value", "granted", "revoked", "deleted"]


class Watch:
    """
    A watch that goes on until it is closed, or its vault is.

    >>> from agent_vault import Vault
    >>> with Vault(".").watch("stripe/api-key", print) as watch:
    ...     watch.closed
    False
    >>> watch.closed
    True
    """

    def __init__(self, end: threading.Event, ended: Callable[[Watch], object]) -> None:
        self._end = end
        self._ended = ended

    @property
    def closed(self) -> bool:
        return self._end.is_set()

    def close(self) -> None:
        """Ends the watch. No call begins after that; one that is under way goes on."""
        self._end.set()
        self._ended(self)

    def __enter__(self) -> Watch:
        return self

    def __exit__(self, kind: type[BaseException] | None, failure: BaseException | None, trace: TracebackType | None) -> None:
        self.close()
