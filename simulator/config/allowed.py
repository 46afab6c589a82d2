"""What a spec class allows at a path, read from its JSON schema; for error messages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from simulator.config.base_schema import Spec
from simulator.config.registry import component_specs, optimization_blocks
from simulator.config.tree import Path

COMPONENT_MARK = "x-nearbank-component"
"""Marks a schema whose class depends on the ``kind`` in the data (see `component_specs`)."""

OPTIMIZATIONS_MARK = "x-nearbank-optimizations"
"""Marks the schema of ``optimizations``, whose keys are those of `optimization_blocks`."""

Schema = Mapping[str, Any]


class Allowed:
    """What ``spec`` and its parts allow in ``data``."""

    def __init__(self, spec: type[Spec], data: Any) -> None:
        self._schemas = list(_at({**spec.model_json_schema()}, {}, (), data))
        self._data = data

    def step(self, path: Path) -> list[Schema]:
        """The schemas that may hold at ``path``."""
        found, data = self._schemas, self._data
        for step in path:
            data = _child(data, step)
            found = [deeper for schema in found for deeper in _at(schema, schema.get("$defs", {}), (step,), data)]
        return found

    def keys(self, path: Path) -> tuple[str, ...]:
        """The keys allowed in the mapping at ``path``."""
        return tuple(dict.fromkeys(key for schema in self.step(path) for key in schema.get("properties", {})))

    def bounds(self, path: Path) -> str:
        """The range allowed at ``path``: ``1..4096``, ``at least 1``, or nothing."""
        return next((text for schema in self.step(path) if (text := _range(schema))), "")


def _child(data: Any, step: str | int) -> Any:
    if isinstance(data, Mapping):
        return data.get(step)
    return data[step] if isinstance(data, list | tuple) and isinstance(step, int) and step < len(data) else None


def _at(schema: Schema, definitions: Schema, steps: Path, data: Any) -> Iterator[Schema]:
    """The schemas one step down (or here, without a step), with references and unions opened."""
    defs = {**definitions, **schema.get("$defs", {})}
    for plain in _opened(schema, defs, None if steps else data):
        if not steps:
            yield {**plain, "$defs": {**defs, **plain.get("$defs", {})}}
            continue
        step = steps[0]
        if isinstance(step, int):
            below = plain.get("items")
        else:
            below = plain.get("properties", {}).get(step, plain.get("additionalProperties"))
        if isinstance(below, Mapping):
            yield from _at(below, defs, (), data)


def _opened(schema: Schema, defs: Schema, data: Any) -> Iterator[Schema]:
    if "$ref" in schema:
        yield from _opened(defs[schema["$ref"].rpartition("/")[2]], defs, data)
    elif choices := schema.get("anyOf", schema.get("oneOf")):
        for choice in choices:
            yield from _opened(choice, defs, data)
    elif COMPONENT_MARK in schema:
        kind = data.get("kind") if isinstance(data, Mapping) else None
        if isinstance(kind, str) and kind in component_specs:
            yield component_specs.get(kind).model_json_schema()
    elif OPTIMIZATIONS_MARK in schema:
        names = optimization_blocks.names()
        yield {"type": "object", "properties": {n: optimization_blocks.get(n).model_json_schema() for n in names}}
    else:
        yield schema


def _range(schema: Schema) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high is not None:
        return f"{low}..{high}"
    words = {
        "minimum": "at least",
        "exclusiveMinimum": "more than",
        "maximum": "at most",
        "exclusiveMaximum": "less than",
    }
    return " and ".join(f"{word} {schema[key]}" for key, word in words.items() if key in schema)
