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

_MAX_SAFE_INTEGER = 2**53 - 1

# What is refused before any parser sees the text, since parsers of YAML 1.1 and 1.2 read it differently; the command line has the same
# list (yaml-dialect.ts), and fixtures/yaml-dialect.json the cases.
_AMBIGUOUS = [
    (
        re.compile("[^\t\n\r\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"),
        "a character cannot be seen, or is a line break to some readers; write it as \\u and its number in double quotes",
    ),
    (re.compile(r"\r(?!\n)"), "there is a carriage return without a line feed"),
    (re.compile(r"(?<![A-Za-z0-9])\t|\t(?![A-Za-z0-9])"), "there is a tab; use spaces, or \\t in double quotes"),
    (re.compile(r"^%", re.MULTILINE), "directives are not used in a vault"),
    (re.compile(r"^ *(?:- +)*\?(?!\S)", re.MULTILINE), "keys are written without a question mark"),
]
# The beginning of a block of text that says how far it is indented.
_GIVEN_INDENTATION = re.compile(r"[|>](?:[-+]?[1-9]|[1-9][-+]) *(?:#.*)?\r?$", re.MULTILINE)
_SPACES_ALONE = re.compile(r"^ +\r?$", re.MULTILINE)
_COMMENT_AFTER_COMMA = re.compile(r"\s*,#")
# Lines that may stand before a document: comments, and its own mark.
_BEFORE_DOCUMENT = re.compile(r"(?: *(?:#[^\n]*)?\r?\n)*(?:--- *(?:\r?\n|\Z))?")
_DOCUMENT_MARK = re.compile(r"^(?:---|\.\.\.)", re.MULTILINE)


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
    _refuse_ambiguous(text, file)
    import yaml

    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        # PyYAML gives a block scalar at the end of a file no line break of its own.
        return _Builder(file, text).build(yaml.parse(text if text.endswith("\n") else f"{text}\n", Loader=loader))
    except yaml.YAMLError as failure:
        mark = getattr(failure, "problem_mark", None)
        place = f"{file}, line {mark.line + 1}, column {mark.column + 1}" if mark else file
        raise _invalid(file, f"{place}: {getattr(failure, 'problem', None) or 'this is not YAML'}.") from None


def _refuse_ambiguous(text: str, file: str) -> None:
    before = _BEFORE_DOCUMENT.match(text)
    found = [(pattern.search(text), message) for pattern, message in _AMBIGUOUS]
    if _GIVEN_INDENTATION.search(text):
        found.append((_SPACES_ALONE.search(text), "there is a line of spaces alone, where the indentation of a text is given"))
    found.append((_DOCUMENT_MARK.search(text, before.end() if before else 0), "a file of a vault is one document"))
    for match, message in found:
        if match:
            line = text.count("\n", 0, match.start()) + 1
            raise _invalid(file, f"{file}, line {line}: {message}.")


class _Builder:
    def __init__(self, file: str, text: str) -> None:
        self._file = file
        self._text = text
        self._lines = text.split("\n")
        # The columns of the block collections that are not complete yet, and how many flow collections are not.
        self._block_columns: list[int] = []
        self._flow_depth = 0
        self._flow_start = 0

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
            self._require_shared_layout(event)
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
        written: str = getattr(event, "value", "")
        is_printed = (isinstance(value, bool) and written in ("true", "false")) or (type(value) is int and written == str(value))
        if not isinstance(value, str) and not is_printed:
            raise self._at(event, "a key must be text.")
        key = written
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
            return self._integer(int(text), event)
        if _OCTAL.fullmatch(text):
            return self._integer(int(text[2:], 8), event)
        if _HEXADECIMAL.fullmatch(text):
            return self._integer(int(text[2:], 16), event)
        if _FLOAT.fullmatch(text):
            return float(text)
        return float(text.replace(".", "")) if _SPECIAL_FLOAT.fullmatch(text) else text

    def _require_shared_layout(self, event: Any) -> None:
        """Refuses what only PyYAML takes: comments right after a value, and lines of a value that are not indented."""
        start, end, style = event.start_mark, event.end_mark, getattr(event, "style", None)
        name = type(event).__name__
        is_flow_start = getattr(event, "flow_style", None) is True
        if name in ("SequenceStartEvent", "MappingStartEvent"):
            if is_flow_start:
                if self._flow_depth == 0:
                    self._flow_start = start.line
                self._flow_depth += 1
            else:
                self._block_columns.append(start.column)
        if name == "MappingStartEvent" and self._flow_depth > 0 and self._text[start.index : start.index + 1] != "{":
            raise self._at(event, "a mapping in a list needs braces.")
        is_flow_end = name in ("SequenceEndEvent", "MappingEndEvent") and self._flow_depth > 0
        if is_flow_end:
            self._flow_depth -= 1
            if self._flow_depth == 0:
                self._require_indented(event, self._flow_start, end.line, is_closed=True)
        elif name in ("SequenceEndEvent", "MappingEndEvent"):
            self._block_columns.pop()
        is_right_after = (is_flow_start or is_flow_end or style in ("'", '"')) and self._text[end.index : end.index + 1] == "#"
        if is_right_after or (self._flow_depth > 0 and _COMMENT_AFTER_COMMA.match(self._text, end.index)):
            raise self._at(event, "a space is missing before a comment.")
        if style in ("|", ">") and re.match(r"[|>][-+0-9]*#", self._text[start.index : start.index + 4]):
            raise self._at(event, "a space is missing before a comment.")
        if style in ("|", ">") and self._block_columns and start.column <= self._block_columns[-1]:
            raise self._at(event, "a line of a value is not indented.")
        if style in ("'", '"') and self._flow_depth == 0:
            self._require_indented(event, start.line, end.line)
        if self._flow_depth > 0 and name == "ScalarEvent" and not style and self._needs_quotes(event):
            raise self._at(event, "this text needs quotes.")

    def _needs_quotes(self, event: Any) -> bool:
        index = event.start_mark.index
        is_after_mark = event.value != "" and self._text[index - 1 : index] == "?"
        return is_after_mark or event.value == "-" or event.value[:1] in ("?", ":")

    def _require_indented(self, event: Any, first: int, last: int, is_closed: bool = False) -> None:
        column = self._block_columns[-1] if self._block_columns else -1
        for number in range(first + 1, last + 1):
            line = self._lines[number].rstrip("\r")
            content = line.lstrip(" ")
            is_end = is_closed and number == last and event.end_mark.column == len(line) - len(content) + 1
            if is_closed and content.startswith("#"):
                continue
            if content and len(line) - len(content) <= column and not (is_end and len(line) - len(content) == column):
                raise self._at(event, "a line of a value is not indented.")

    def _integer(self, value: int, event: Event) -> int:
        if abs(value) > _MAX_SAFE_INTEGER:
            raise self._at(event, "the number is too large; write it in quotes.")
        return value

    def _at(self, event: Event, message: str) -> VaultError:
        mark = event.start_mark
        place = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        return _invalid(self._file, f"{self._file}{place}: {message}")


def _invalid(file: str, message: str) -> VaultError:
    return error("INVALID_YAML", message, f"Correct {file}, or restore it from git (git checkout -- {file}).")
