"""YAML text to a tree that knows the line and column of each key.

Scalars follow the YAML 1.2 core schema, not the 1.1 rules of PyYAML: ``1e-12`` is a number, ``on`` and ``12:30`` are
text, ``010`` is ten. A key that occurs twice, a key that is not text, explicit tags and merge keys are errors.
"""

from __future__ import annotations

import re
from typing import Any

import yaml
from yaml.reader import Reader

from simulator.config.tree import Node, Origin, Scalar
from simulator.errors import ConfigError

_PLAIN = "plain"
_TEXT = "tag:yaml.org,2002:str"
_MAPPING = "tag:yaml.org,2002:map"
_SEQUENCE = "tag:yaml.org,2002:seq"

_INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_SPECIAL: dict[str, Scalar] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip
_INFINITE = re.compile(r"([-+]?)\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_MAX_DIGITS = 1000
_MAX_DEPTH = 64
_MAX_NODES = 100_000
_TOO_DEEP = f"nested too deeply (allowed: {_MAX_DEPTH} levels)"


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # chosen at run time
    """Composes nodes; leaves it to this module to decide what a plain scalar means."""

    def resolve(self, kind: type[yaml.Node], _value: str | None, implicit: Any) -> str:
        """The tag of a node that has none: plain scalars are marked, so that no written tag is mistaken for one."""
        if kind is yaml.ScalarNode:
            return _PLAIN if implicit[0] else _TEXT
        return _MAPPING if kind is yaml.MappingNode else _SEQUENCE


def parse_yaml(text: str, file: str) -> Node:
    """The tree of one document; ``file`` is what errors call it. Raises ConfigError."""
    if bad := Reader.NON_PRINTABLE.search(text):
        raise _at_offset(text, bad.start(), file).error(f"the character {bad.group()!r} is not allowed in YAML")
    try:
        _check_depth(text, file)
        root = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = _origin(mark, file) if mark else Origin(file)
        problem = error.problem or error.context or ""
        # PyYAML 6.0.4 and newer read ahead to a limit of their own before the events that _check_depth counts.
        raise place.error(_TOO_DEEP if "nesting depth" in problem else f"not valid YAML: {problem}") from None
    if root is None:
        raise ConfigError("the document is empty", file=file, line=1, column=1)
    return _Converter(file).convert(root, _origin(root.start_mark, file))


def _check_depth(text: str, file: str) -> None:
    """Raise ConfigError for nesting that only serves to exhaust the stack of the compiled parser."""
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _MAX_DEPTH:
            raise _origin(event.start_mark, file).error(_TOO_DEEP)


def parse_scalar_or_flow(text: str, origin: Origin) -> Node:
    """The tree of a value given outside a file, such as in ``--set key=value``; empty text is null."""
    try:
        node = parse_yaml(text, origin.file) if text.strip() else Node(None, origin)
    except ConfigError as error:
        raise origin.error(error.message) from None
    return _relocate(node, origin)


def decode(data: bytes, file: str) -> str:
    """UTF-8 text, without a byte order mark. Raises ConfigError at the first byte that is not."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8", errors="replace")
        raise _at_offset(before, len(before), file).error(
            f"not UTF-8: byte 0x{error.object[error.start]:02x} cannot be read"
        ) from None


def _origin(mark: Any, file: str) -> Origin:
    return Origin(file, mark.line + 1, mark.column + 1)


def _at_offset(text: str, offset: int, file: str) -> Origin:
    before = text[:offset]
    return Origin(file, before.count("\n") + 1, offset - (before.rfind("\n") + 1) + 1)


def _relocate(node: Node, origin: Origin) -> Node:
    if isinstance(node.value, dict):
        return Node({key: _relocate(child, origin) for key, child in node.value.items()}, origin)
    if isinstance(node.value, list):
        return Node([_relocate(child, origin) for child in node.value], origin)
    return Node(node.value, origin)


class _Converter:
    """PyYAML's nodes to ours, for one file."""

    def __init__(self, file: str) -> None:
        self.file = file
        self._open: set[int] = set()
        self._converted = 0

    def convert(self, node: yaml.Node, origin: Origin) -> Node:
        """``node`` as a `Node` at ``origin``."""
        if id(node) in self._open:
            raise _origin(node.start_mark, self.file).error("an anchor contains itself")
        self._converted += 1
        if self._converted > _MAX_NODES:
            raise _origin(node.start_mark, self.file).error(
                f"the document has too many values, aliases written out (allowed: {_MAX_NODES})"
            )
        self._open.add(id(node))
        try:
            return Node(self._value(node), origin)
        finally:
            self._open.remove(id(node))

    def _value(self, node: yaml.Node) -> Scalar | dict[str, Node] | list[Node]:
        if node.tag not in {_PLAIN, _TEXT, _MAPPING, _SEQUENCE}:
            raise _origin(node.start_mark, self.file).error(
                f"the tag '{node.tag}' is not supported; write the value plainly"
            )
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node)
        if isinstance(node, yaml.SequenceNode):
            return [self.convert(item, _origin(item.start_mark, self.file)) for item in node.value]
        if isinstance(node, yaml.ScalarNode) and node.tag == _PLAIN:
            return self._plain(node)
        return str(node.value)

    def _mapping(self, node: yaml.MappingNode) -> dict[str, Node]:
        entries: dict[str, Node] = {}
        for key_node, value_node in node.value:
            origin = _origin(key_node.start_mark, self.file)
            key = self._key(key_node, origin)
            if key in entries:
                raise origin.error(f"the key '{key}' occurs twice (first in line {entries[key].origin.line})")
            entries[key] = self.convert(value_node, origin)
        return entries

    def _key(self, node: yaml.Node, origin: Origin) -> str:
        if not isinstance(node, yaml.ScalarNode):
            raise origin.error("a key must be text, not a list or a mapping")
        if node.tag == _PLAIN and node.value == "<<":
            raise origin.error("merge keys ('<<') are not supported; use 'extends' or 'use'")
        key = self._value(node)
        if not isinstance(key, str):
            raise origin.error(f"the key '{node.value}' is not text; put it in quotes")
        return key

    def _plain(self, node: yaml.ScalarNode) -> Scalar:
        text: str = node.value
        if text in _SPECIAL:
            return _SPECIAL[text]
        if _INTEGER.fullmatch(text):
            if len(text) > _MAX_DIGITS:
                raise _origin(node.start_mark, self.file).error(f"a number of {len(text)} digits is too long")
            return int(text, {"0o": 8, "0x": 16}.get(text[:2], 10))
        if _FLOAT.fullmatch(text):
            return float(text)
        if match := _INFINITE.fullmatch(text):
            return float("nan") if match.group(1) is None else float(f"{match.group(1)}inf")
        return text
