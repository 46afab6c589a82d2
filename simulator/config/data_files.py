"""Files that a block of ``optimizations`` names: lists of values, in CSV with a header line or YAML, and models.

The class of a block says in ``from_file`` which of its keys may name a file, and the columns that it then needs. A
value keeps its line and column, so that whatever is wrong with it is told where it stands. In CSV other columns may
stand beside those needed; a column ``block`` counts the rows from 0; lines that begin with ``#`` are skipped.

Its ``model_keys`` may name the file of a model.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace as changed
from pathlib import Path

from simulator.config import paths
from simulator.config.loader import Document
from simulator.config.nearest import hint
from simulator.config.overrides import OPTIMIZATIONS
from simulator.config.registry import optimization_blocks
from simulator.config.tree import Node, Origin, dotted, replace
from simulator.config.yaml_reader import decode, parse_scalar_or_flow, parse_yaml
from simulator.errors import ConfigError

COUNTER = "block"
YAML = (".yaml", ".yml")
MOST_ROWS = 10_000
KINDS = "allowed: a number, a list, or the name of a CSV or YAML file"


def with_data_files(document: Document) -> Document:
    """``document`` with the lists in the files that its blocks name, and the ways to models from here.

    Raises ConfigError.
    """
    blocks = document.root.child(OPTIMIZATIONS)
    for name, block in blocks.children.items() if blocks else ():
        of = optimization_blocks.get(name) if name in optimization_blocks else None
        for key, columns in getattr(of, "from_file", {}).items():
            node = block.child(key)
            if node is not None and isinstance(node.value, str):
                document = _filled(document, (OPTIMIZATIONS, name, key), node.origin, node.value, columns)
        for key in getattr(of, "model_keys", ()):
            node = block.child(key)
            if node is not None and isinstance(node.value, str) and node.value.endswith(paths.SUFFIXES):
                document = _led_to(document, (OPTIMIZATIONS, name, key), node.origin, node.value)
    return document


def _led_to(document: Document, path: tuple[str, str, str], origin: Origin, name: str) -> Document:
    """``document`` with the way from here to the model in the file ``name``, if there is one."""
    file = _from_here(origin, name)
    if not file.is_file():
        return document
    files = document.files | {paths.identity(file): hashlib.sha256(file.read_bytes()).hexdigest()}
    return changed(document, root=replace(document.root, path, Node(str(file), origin)), files=files)


def _from_here(origin: Origin, name: str) -> Path:
    """The file ``name``, which starts from the folder of the file that gives it."""
    return Path(name) if origin.line is None else Path(origin.file).parent / name


def _filled(
    document: Document, path: tuple[str, str, str], origin: Origin, name: str, columns: Sequence[str]
) -> Document:
    """``document`` with the list in the file ``name`` at ``path``."""
    where = dotted(path)
    file = _from_here(origin, name)
    shown = paths.display(file)
    if not file.is_file():
        siblings = [entry.name for entry in file.parent.iterdir()] if file.parent.is_dir() else []
        raise origin.error(f"there is no such file: {shown} ({KINDS}){hint(file.name, siblings)}", where)
    try:
        content = file.read_bytes()
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", file=shown) from None
    text = decode(content, shown)
    read = _of_yaml(text, shown, path[-1]) if file.suffix in YAML else _of_csv(text, shown, columns)
    files = document.files | {paths.identity(file): hashlib.sha256(content).hexdigest()}
    return changed(document, root=replace(document.root, path, read), files=files)


def _of_yaml(text: str, shown: str, key: str) -> Node:
    root = parse_yaml(text, shown)
    found = root.child(key)
    if found is None or not isinstance(found.value, list):
        near = hint(key, root.children)
        raise root.origin.error(f"the list '{key}' is missing{near}")
    return found


def _of_csv(text: str, shown: str, columns: Sequence[str]) -> Node:
    """The rows; of one column its values, of several mappings."""
    lines = [(n, line) for n, line in enumerate(text.splitlines(), 1) if line.strip() and not line.startswith("#")]
    if not lines:
        raise ConfigError(f"the header line is missing (needed: {', '.join(columns)})", file=shown, line=1, column=1)
    places = _header(*lines[0], shown, columns)
    if len(lines) - 1 > MOST_ROWS:
        raise ConfigError(f"{len(lines) - 1} rows are too many (allowed: 1..{MOST_ROWS})", file=shown)
    rows = [_row(number, line, shown, places, at) for at, (number, line) in enumerate(lines[1:])]
    wanted = [{name: row[name] for name in columns} for row in rows]
    first = Origin(shown, lines[0][0], 1)
    if len(columns) == 1:
        return Node([row[columns[0]] for row in wanted], first)
    return Node([Node(row, next(iter(row.values())).origin) for row in wanted], first)


def _header(number: int, line: str, shown: str, columns: Sequence[str]) -> list[str]:
    names = [name.strip() for name in line.split(",")]
    for name in columns:
        if name not in names:
            raise ConfigError(
                f"the column '{name}' is missing (needed: {', '.join(columns)}){hint(name, names)}",
                file=shown, line=number, column=1,
            )  # fmt: skip
    return names


def _row(number: int, line: str, shown: str, names: Sequence[str], at: int) -> Mapping[str, Node]:
    cells, column, found = line.split(","), 1, {}
    if len(cells) != len(names):
        message = f"{len(cells)} values, the header has {len(names)} columns"
        raise ConfigError(message, file=shown, line=number, column=1)
    for name, cell in zip(names, cells, strict=True):
        origin = Origin(shown, number, column + len(cell) - len(cell.lstrip()))
        found[name] = parse_scalar_or_flow(cell, origin)
        if name == COUNTER and found[name].value != at:
            raise origin.error(f"'{cell.strip()}' is not the next block (allowed: {at})", name)
        column += len(cell) + 1
    return found
