"""Configuration data that remembers where each value came from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from simulator.errors import ConfigError

Scalar = str | int | float | bool | None
Path = Sequence[str | int]
"""Keys and list positions from the root of a document to a value."""


@dataclass(frozen=True)
class Origin:
    """A place in a file, counted from 1; in an override (``--set key=value`` is then the file) there are no lines."""

    file: str
    line: int | None = None
    column: int | None = None

    def error(self, message: str, key: str = "") -> ConfigError:
        """A ConfigError at this place about the dotted path ``key``."""
        return ConfigError(message, file=self.file, line=self.line, column=self.column, key=key)


@dataclass(frozen=True)
class Node:
    """A value and its place: that of its key in a mapping, its own in a list. Never changed, only replaced."""

    value: Scalar | Mapping[str, Node] | Sequence[Node]
    origin: Origin

    @property
    def is_mapping(self) -> bool:
        """Whether it holds keys."""
        return isinstance(self.value, Mapping)

    @property
    def children(self) -> Mapping[str, Node]:
        """The entries of a mapping; of anything else none."""
        return self.value if isinstance(self.value, Mapping) else {}

    @property
    def items(self) -> Sequence[Node]:
        """The entries of a list; of anything else none."""
        return self.value if isinstance(self.value, list) else ()

    def child(self, step: str | int) -> Node | None:
        """What lies one step down, if anything."""
        if isinstance(step, str):
            return self.children.get(step)
        items = self.items
        return items[step] if step < len(items) else None

    def walk(self, path: Path) -> Iterator[Node]:
        """This node and those along ``path``, as far as it exists."""
        node = self
        yield node
        for step in path:
            below = node.child(step)
            if below is None:
                return
            node = below
            yield node

    def plain(self) -> Any:
        """The bare data: dicts, lists and scalars."""
        if isinstance(self.value, Mapping):
            return {key: node.plain() for key, node in self.value.items()}
        if isinstance(self.value, list):
            return [node.plain() for node in self.value]
        return self.value


def planted(data: Any, origin: Origin) -> Node:
    """Bare data as a tree, all of it from ``origin``."""
    if isinstance(data, dict):
        return Node({key: planted(value, origin) for key, value in data.items()}, origin)
    if isinstance(data, list):
        return Node([planted(value, origin) for value in data], origin)
    return Node(data, origin)


def merge(base: Node, over: Node) -> Node:
    """``base`` with what ``over`` says: mappings merge, anything else replaces, and a null removes an inherited key."""
    if not (base.is_mapping and over.is_mapping):
        return over
    merged = dict(base.children)
    for key, node in over.children.items():
        if key in merged and node.value is None:
            del merged[key]
        elif key in merged:
            merged[key] = merge(merged[key], node)
        else:
            merged[key] = node
    return Node(merged, over.origin)


def replace(root: Node, path: Path, new: Node) -> Node:
    """``root`` with ``new`` at ``path``, with mappings where it does not lead on; a null removes a key of a mapping."""
    if not path:
        return new
    step, rest = path[0], path[1:]
    if isinstance(root.value, list) and isinstance(step, int):
        return Node([replace(n, rest, new) if at == step else n for at, n in enumerate(root.value)], root.origin)
    children = dict(root.children)
    key = str(step)
    if not rest and new.value is None and key in children:
        del children[key]
    else:
        children[key] = replace(children.get(key, Node({}, new.origin)), rest, new) if rest else new
    return Node(children, root.origin)


def dotted(path: Path) -> str:
    """``path`` as people write it: ``commands.ACT.scope``, ``constraints[3].gap``."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else str(step)
    return text
