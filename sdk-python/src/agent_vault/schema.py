"""Checks what a YAML file holds, field by field; unknown fields are nobody's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .errors import VaultError, error


@dataclass(frozen=True)
class Fields:
    """A mapping of a file, and where it stands in it for a message."""

    values: dict[str, Any]
    code: str
    file: str
    place: str = ""

    @classmethod
    def of(cls, value: Any, code: str, file: str, place: str = "") -> Fields:
        if isinstance(value, dict):
            return cls(value, code, file, place)
        raise cls({}, code, file, place).invalid("", "a mapping belongs here")

    def text(self, name: str, default: str | None = None) -> str:
        value = self.values.get(name, default)
        if isinstance(value, str):
            return value
        raise self.invalid(name, "a text belongs here")

    def texts(self, name: str) -> list[str]:
        return texts(self.values.get(name), self, name)

    def items(self, name: str) -> list[Fields]:
        """The mappings of a list, which may be missing."""
        value = self.values.get(name)
        if not isinstance(value, (list, type(None))):
            raise self.invalid(name, "a list belongs here")
        return [Fields.of(item, self.code, self.file, f"{self.place}{name}.{index}.") for index, item in enumerate(value or [])]

    def number(self, name: str, default: float) -> float:
        value = self.values.get(name, default)
        if type(value) in (int, float) and value >= 0 and value != float("inf"):
            return float(value)
        raise self.invalid(name, "a number that is not negative belongs here")

    def require(self, name: str, expected: object, says: str) -> None:
        value = self.values.get(name)
        if type(value) is not type(expected) or value != expected:
            raise self.invalid(name, says)

    def invalid(self, name: str, reason: str) -> VaultError:
        where = f"{self.place}{name}".strip(".")
        return error(
            self.code,
            f"{self.file}: {where + ': ' if where else ''}{reason}.",
            f"Correct {self.file}, or restore it from git (git checkout -- {self.file}).",
        )


def texts(value: Any, fields: Fields, name: str) -> list[str]:
    """A list of texts, which may be missing."""
    if value is None:
        return []
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return value
    raise fields.invalid(name, "a list of texts belongs here")
