"""Checks the fields of a YAML file. Unknown fields are ignored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..errors import VaultError, error

#: The largest whole number that JavaScript tells apart from its neighbours.
_MAX_COUNT = 2**53 - 1


@dataclass(frozen=True)
class Fields:
    """A mapping in a file. Every method raises an error of `code` that says where in the file the value is."""

    values: dict[str, Any]
    code: str
    file: str
    #: The path of the mapping in the file, such as `settings.`; empty at the top.
    place: str = ""

    @classmethod
    def of(cls, value: Any, code: str, file: str, place: str = "") -> Fields:
        if isinstance(value, dict):
            return cls(value, code, file, place)
        raise cls({}, code, file, place).invalid("", "this must be a mapping")

    def child(self, name: str) -> Fields:
        """The mapping in a field; an empty one if the field is missing."""
        return Fields.of(self.values.get(name, {}), self.code, self.file, f"{self.place}{name}.")

    def text(self, name: str, default: str | None = None) -> str:
        value = self.values.get(name, default)
        if isinstance(value, str):
            return value
        raise self.invalid(name, "this must be text")

    def texts(self, name: str) -> list[str]:
        """A list of texts; an empty one if the field is missing."""
        return require_texts(self.values.get(name), self, name)

    def items(self, name: str) -> list[Fields]:
        """The mappings of a list; an empty list if the field is missing."""
        value = self.values.get(name)
        if not isinstance(value, (list, type(None))):
            raise self.invalid(name, "this must be a list")
        return [Fields.of(item, self.code, self.file, f"{self.place}{name}.{index}.") for index, item in enumerate(value or [])]

    def number(self, name: str, default: float) -> float:
        value = self.values.get(name, default)
        if type(value) in (int, float) and value >= 0 and value != float("inf"):
            return float(value)
        raise self.invalid(name, "this must be a number of at least 0")

    def count(self, name: str) -> int | None:
        """A whole number of at least 1; `None` if the field is missing."""
        if name not in self.values:
            return None
        value = self.values[name]
        if type(value) in (int, float) and 1 <= value <= _MAX_COUNT and value == int(value):
            return int(value)
        raise self.invalid(name, "this must be a whole number of at least 1")

    def require(self, name: str, expected: object, reason: str) -> None:
        value = self.values.get(name)
        if type(value) is not type(expected) or value != expected:
            raise self.invalid(name, reason)

    def invalid(self, name: str, reason: str) -> VaultError:
        where = f"{self.place}{name}".strip(".")
        return error(
            self.code,
            f"{self.file}: {where + ': ' if where else ''}{reason}.",
            f"Correct {self.file}, or restore it from git (git checkout -- {self.file}).",
        )


def require_texts(value: Any, fields: Fields, name: str) -> list[str]:
    """A list of texts; an empty one for `None`."""
    if value is None:
        return []
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return value
    raise fields.invalid(name, "this must be a list of texts")
