"""
A full reader for the YAML of a vault's files: one document of the core schema (YAML 1.2.2, section 10.3.2), without anchors, aliases, merge
keys and tags.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ..errors import VaultError, error
from ..text.utf8 import decode_utf8
from .layout import MANIFEST_FILE

if TYPE_CHECKING:
    from yaml.events import Event, ScalarEvent

_MAX_MANIFEST_BYTES = 8 * 1024 * 1024
_MAX_YAML_BYTES = 1024 * 1024
_MAX_DEPTH = 200

_NULL = re.compile(r"~|[Nn]ull|NULL|")
_BOOLEAN = re.compile(r"[Tt]rue|TRUE|[Ff]alse|FALSE")
_INTEGER = re.compile(r"[-+]?[0-9]{1,4000}")
_OCTAL = re.compile(r"0o[0-7]+")
_HEXADECIMAL = re.compile(r"0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_SPECIAL_FLOAT = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.nan|\.NaN|\.NAN")
_CONFLICT = re.compile(r"^(?:<{7}|={7}|>{7})(?: |$)", re.MULTILINE)


def read_yaml(content: bytes, file: str) -> Any:
    """The content of a file: mappings with texts as keys, lists, strings, numbers, booleans, `None`. Raises `INVALID_YAML`."""
    limit = _MAX_MANIFEST_BYTES if file == MANIFEST_FILE else _MAX_YAML_BYTES
    if len(content) > limit:
        raise _invalid(file, f"{file} is larger than {limit // 1024 // 1024} MiB.")
    text = decode_utf8(content)
    if text is None:
        raise _invalid(file, f"{file} is not UTF-8 text.")
    text = text.removeprefix("\ufeff")
    if _CONFLICT.search(text):
        raise _invalid(file, f"{file} has the conflict markers of an unfinished merge.")
    import yaml

    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return _Builder(file).build(yaml.parse(text, Loader=loader))
    except yaml.YAMLError as failure:
        mark = getattr(failure, "problem_mark", None)
        place = f"{file}, line {mark.line + 1}, column {mark.column + 1}" if mark else file
        raise _invalid(file, f"{place}: {getattr(failure, 'problem', None) or 'this is not YAML'}.") from None


class _Builder:
    def __init__(self, file: str) -> None:
        self._file = file

    def build(self, events: Any) -> Any:
        from yaml import events as kinds

        documents: list[Any] = []
        # The collections that are not complete yet, each mapping with the key of the next value.
        open_nodes: list[tuple[Any, list[str]]] = []

        def add(value: Any, event: Event) -> None:
            if not open_nodes:
                documents.append(value)
                return
            node, keys = open_nodes[-1]
            if isinstance(node, list):
                node.append(value)
            elif keys:
                node[keys.pop()] = value
            else:
                keys.append(self._key(value, node, event))

        for event in events:
            if isinstance(event, kinds.AliasEvent) or (isinstance(event, kinds.NodeEvent) and event.anchor is not None):
                raise self._at(event, "anchors, aliases and merge keys are not used in a vault.")
            if isinstance(event, (kinds.ScalarEvent, kinds.CollectionStartEvent)) and event.tag is not None:
                raise self._at(event, "tags are not used in a vault.")
            if isinstance(event, kinds.ScalarEvent):
                add(self._scalar(event), event)
            elif isinstance(event, kinds.CollectionStartEvent):
                if len(open_nodes) >= _MAX_DEPTH:
                    raise self._at(event, "this is nested too deeply.")
                collection: Any = [] if isinstance(event, kinds.SequenceStartEvent) else {}
                add(collection, event)
                open_nodes.append((collection, []))
            elif isinstance(event, kinds.CollectionEndEvent):
                open_nodes.pop()
            elif isinstance(event, kinds.DocumentStartEvent) and documents:
                raise self._at(event, "the file has more than one document.")
        return documents[0] if documents else None

    def _key(self, value: Any, node: dict[str, Any], event: Event) -> str:
        if isinstance(value, (list, dict)):
            raise self._at(event, "a key must be text.")
        if value == "<<" and not getattr(event, "style", None):
            raise self._at(event, "anchors, aliases and merge keys are not used in a vault.")
        key = value if isinstance(value, str) else str(getattr(event, "value", value))
        if key in node:
            raise self._at(event, "map keys must be unique.")
        return key

    def _scalar(self, event: ScalarEvent) -> Any:
        text: str = event.value
        # Quoted and block scalars have a style.
        if event.style:
            return text
        if _NULL.fullmatch(text):
            return None
        if _BOOLEAN.fullmatch(text):
            return text.lower() == "true"
        if _INTEGER.fullmatch(text):
            return int(text)
        if _OCTAL.fullmatch(text):
            return int(text[2:], 8)
        if _HEXADECIMAL.fullmatch(text):
            return int(text[2:], 16)
        if _FLOAT.fullmatch(text):
            return float(text)
        return float(text.replace(".", "")) if _SPECIAL_FLOAT.fullmatch(text) else text

    def _at(self, event: Event, message: str) -> VaultError:
        mark = event.start_mark
        place = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        return _invalid(self._file, f"{self._file}{place}: {message}")


def _invalid(file: str, message: str) -> VaultError:
    return error("INVALID_YAML", message, f"Correct {file}, or restore it from git (git checkout -- {file}).")
