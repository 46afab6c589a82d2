"""Documents: a YAML file with all that it names (`extends`, `use`), its plug-ins and its overrides.

- ``extends: NAME`` and ``use: NAME``, in any mapping, put the content of another document there; what stands beside
  them overrides it. Mappings merge; lists and scalars replace; a null removes an inherited key. ``extends`` derives a
  document from one of its own kind, ``use`` names a part. A name is looked up as `paths.find` says.
- ``plugins: [module]`` imports modules that register more kinds of component.
- Overrides come last.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any

from simulator.config import paths
from simulator.config.nearest import hint
from simulator.config.overrides import REFERENCE_KEYS, Override, apply_override, override_path, parse_override
from simulator.config.plugins import import_entry_points, import_plugins
from simulator.config.tree import Node, Origin, Path, dotted, merge, replace
from simulator.config.validation import build, shown
from simulator.config.yaml_reader import decode, parse_yaml
from simulator.errors import ConfigError

__all__ = ["Document", "build", "load_document"]

DEFAULT_KIND = "workload"
"""What a document without ``kind`` is, where such a document is looked for."""


Place = tuple[str | int, ...]
"""Steps from the root of a document."""


@dataclass(frozen=True)
class Document:
    """A loaded document.

    ``name``: the stem of its file. ``files``: each file read -> sha256 of its content.
    """

    name: str
    root: Node
    files: dict[str, str]
    data: Any = field(init=False)
    """The plain data: dicts, lists and scalars."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "data", self.root.plain())

    @property
    def kind(self) -> str:
        """What the document describes: ``dram``, ``platform``, ``model``, ``workload``, ..."""
        return str(self.data.get("kind", DEFAULT_KIND))

    def locate(self, path: Path) -> Origin:
        """Where the value at ``path`` came from; of the nearest mapping above it when it is not there."""
        *_, node = self.root.walk(path)
        return node.origin


def load_document(
    ref: str | FilePath,
    *,
    expected_kind: str | tuple[str, ...] | None = None,
    overrides: Iterable[str | Override] = (),
) -> Document:
    """The document called ``ref`` (a name or a path) with the ``overrides``, each ``key.path=value`` or parsed.

    Raises ConfigError: for what cannot be found or read, a kind other than ``expected_kind``, a cycle of names, an
    override of something that is not there, or a plug-in that cannot be imported. The content is not validated: see
    `build`.
    """
    if isinstance(overrides, str | Mapping):
        raise ConfigError(f"overrides are a list of texts key.path=value, not {overrides!r:.60}")
    kinds = (expected_kind,) if isinstance(expected_kind, str) else expected_kind or ()
    path = paths.find(str(ref), kinds=kinds)
    resolver = _Resolver([parse_override(given) if isinstance(given, str) else given for given in overrides])
    root = resolver.load(path)
    _check_kind(root, path, kinds)
    import_entry_points()
    import_plugins(root)
    return Document(path.stem, root, dict(sorted(resolver.files.items())))


def _check_kind(root: Node, path: FilePath, kinds: tuple[str, ...]) -> None:
    node = root.child("kind")
    if not kinds or (node is None and DEFAULT_KIND in kinds):
        return
    if node is None:
        raise root.origin.error(f"the key 'kind' is missing (allowed: {', '.join(kinds)})", "kind")
    if node.value not in kinds:
        wanted = " or ".join(kinds)
        if not isinstance(node.value, str) or node.value not in paths.FOLDERS:
            found = node.plain()
            near = hint(found, kinds) if isinstance(found, str) else ""
            raise node.origin.error(f"{shown(found)} is not a kind that fits here (allowed: {wanted}){near}", "kind")
        raise node.origin.error(
            f"'{path.stem}' is a {node.value}, not a {wanted}{paths.choices(path.stem, kinds)}", "kind"
        )


class _Resolver:
    """Reads one document and all that it names, each file once."""

    def __init__(self, overrides: list[Override]) -> None:
        self.files: dict[str, str] = {}
        self._first = [override for override in overrides if override.swaps_document]
        self._last = [override for override in overrides if not override.swaps_document]
        self._raw: dict[FilePath, Node] = {}
        self._swaps: dict[tuple[Place, tuple[FilePath, ...]], Override] = {}
        """Where a name is swapped (a place of the whole, the chain of files to the one that says it) -> for which."""

    def load(self, path: FilePath) -> Node:
        """The document at ``path``, resolved and overridden."""
        raw = self._read(path)
        root = self._resolve(raw, (path,), ())
        for override in self._first:
            *place, _ = override_path(root, override)
            self._swaps[tuple(place), self._naming(raw, (path,), tuple(place))] = override
            root = self._resolve(raw, (path,), ())
        for override in self._last:
            root = apply_override(root, override)
        return root

    def _naming(self, root: Node, chain: tuple[FilePath, ...], place: Place) -> tuple[FilePath, ...]:
        """The chain of files to the first that names a document at ``place``; if none does, to the last that has it."""
        found = list(self._having(root, chain, (), place))
        named = (files for files, node in found if any(key in node.children for key in REFERENCE_KEYS))
        return next(named, found[-1][0])

    def _having(
        self, node: Node, chain: tuple[FilePath, ...], at: Place, place: Place
    ) -> Iterator[tuple[tuple[FilePath, ...], Node]]:
        """Each file that says something of ``place``, with what it says, those that override others first."""
        if at == place:
            yield chain, node
            return
        below = node.child(place[len(at)])
        if below is not None:
            yield from self._having(below, chain, place[: len(at) + 1], place)
        for key in REFERENCE_KEYS:
            if key in node.children:
                path = self._find(node, key, chain, at)
                yield from self._having(self._read(path), (*chain, path), at, place)

    def _read(self, path: FilePath) -> Node:
        key = path.resolve()
        if key not in self._raw:
            file = paths.display(path)
            try:
                content = path.read_bytes()
            except OSError as error:
                raise ConfigError(f"cannot be read: {error.strerror}", file=file) from error
            root = parse_yaml(decode(content, file), file)
            if not root.is_mapping:
                raise root.origin.error("a document is a mapping of keys to values")
            self.files[paths.identity(path)] = hashlib.sha256(content).hexdigest()
            self._raw[key] = root
        return self._raw[key]

    def _resolve(self, node: Node, chain: tuple[FilePath, ...], at: Place) -> Node:
        """``node`` with every document that it names merged in."""
        if (at, chain) in self._swaps:
            swap = self._swaps[at, chain]
            node = replace(node, (swap.path[-1],), swap.value)
        if isinstance(node.value, list):
            items = [self._resolve(item, chain, (*at, i)) for i, item in enumerate(node.value)]
            return Node(items, node.origin)
        if not node.is_mapping:
            return node
        named = [key for key in REFERENCE_KEYS if key in node.children]
        own = {key: self._resolve(child, chain, (*at, key)) for key, child in node.children.items() if key not in named}
        if not named:
            return Node(own, node.origin)
        if len(named) > 1:
            raise node.children[named[1]].origin.error(
                "a mapping has either 'extends' or 'use'", dotted((*at, named[1]))
            )
        return merge(self._named(node, named[0], chain, at), Node(own, node.origin))

    def _named(self, node: Node, key: str, chain: tuple[FilePath, ...], at: Place) -> Node:
        """The resolved document that ``key`` of ``node`` names."""
        path = self._find(node, key, chain, at)
        return self._resolve(self._read(path), (*chain, path), at)

    def _find(self, node: Node, key: str, chain: tuple[FilePath, ...], at: Place) -> FilePath:
        """The file of the document that ``key`` of ``node`` names."""
        reference = node.children[key]
        where = dotted((*at, key))
        if not isinstance(reference.value, str):
            raise reference.origin.error(f"the name of a document is needed, not {shown(reference.plain())}", where)
        own_kind = node.children.get("kind")
        kinds = (str(own_kind.value),) if own_kind is not None and key == "extends" else ()
        try:
            # A relative path starts from the file it stands in; on the command line, from the current directory.
            origin = reference.origin
            path = paths.find(reference.value, kinds=kinds, base=FilePath(origin.file).parent if origin.line else None)
        except ConfigError as error:
            message = error.message if error.file is None else f"{error.message}: {error.file}"
            raise reference.origin.error(message, where) from None
        seen = [step.resolve() for step in chain]
        if path.resolve() in seen:
            names = " -> ".join(step.stem for step in (*chain[seen.index(path.resolve()) :], path))
            raise reference.origin.error(f"documents name each other in a cycle: {names}", where)
        return path
