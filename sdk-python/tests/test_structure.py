"""How the package is built: small files, rooms in one order, no import in a circle."""

from __future__ import annotations

import ast
from pathlib import Path

import agent_vault

PACKAGE = Path(agent_vault.__file__).parent
#: From the bottom to the top: a room imports from itself and from those before it.
ROOMS = ["text", "error_codes", "errors", "context", "harness", "disk", "age", "format", "lock", "git", "files", "keys", "trust", "record"]
ROOMS += ["spool", "audit", "policy", "sync", "reading", "options", "listing", "watch", "start_watch", "vault", "agent_vault"]
MAX_LINES = 300


def modules() -> dict[str, Path]:
    """The package's modules by their names without the package's."""
    found: dict[str, Path] = {}
    for file in PACKAGE.rglob("*.py"):
        parts = file.relative_to(PACKAGE).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts) or "agent_vault"] = file
    return found


def imports_of(name: str, file: Path, known: dict[str, Path]) -> set[str]:
    """What a module imports of the package, wherever in the module it does so."""
    package = name.split(".") if file.name == "__init__.py" else name.split(".")[:-1]
    imported: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = [] if package == ["agent_vault"] else package[: len(package) - node.level + 1]
            module = ".".join([*base, *([node.module] if node.module else [])])
            imported |= {full if (full := f"{module}.{alias.name}".lstrip(".")) in known else module for alias in node.names}
    return imported


def test_every_import_goes_down() -> None:
    known = modules()
    assert len(known) > 40
    for name, file in known.items():
        for imported in imports_of(name, file, known):
            assert imported in known, f"{name} imports {imported}"
            assert ROOMS.index(imported.split(".")[0]) <= ROOMS.index(name.split(".")[0]), f"{name} imports {imported}, from a room above"


def test_no_import_goes_in_a_circle() -> None:
    known = modules()
    imports = {name: imports_of(name, file, known) - {name} for name, file in known.items()}
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, f"imports in a circle: {' -> '.join([*path, name])}"
        if name not in done:
            for imported in sorted(imports[name]):
                visit(imported, (*path, name))
            done.add(name)

    for name in sorted(imports):
        visit(name, ())
    assert done == set(known)


def test_no_file_is_long() -> None:
    lines = {name: len(file.read_text("utf-8").splitlines()) for name, file in modules().items()}
    assert {name: count for name, count in lines.items() if count > MAX_LINES} == {}
