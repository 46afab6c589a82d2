"""Silicon: what a component's parts take of it, and the die area of a platform that follows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from simulator.config.base_schema import Spec


class AreaPart(Spec):
    """Equal pieces of silicon: ``count`` of ``mm2_each``.

    ``count``: a number, or arithmetic over the component's keys (``rows * cols``) and those of others by their dotted
    path (``memory.channels``).
    """

    count: Annotated[float, Field(ge=0, le=1e12)] | str = 1
    mm2_each: Annotated[float, Field(ge=0, le=1e6)]
    source: str


Areas = dict[str, AreaPart]
"""What the silicon is -> how much of it there is."""


def reach(path: str, *roots: Any) -> Any:
    """The value at a dotted ``path`` below the first of ``roots`` (specs or mappings) that has it.

    Raises KeyError with the last key that was looked for in vain.
    """
    missing = path
    for root in roots:
        value, missing = root, ""
        for key in path.split("."):
            if not has(value, key):
                missing = key
                break
            value = child(value, key)
        if not missing:
            return value
    raise KeyError(missing)


def has(node: Any, key: str) -> bool:
    """Whether a spec or a mapping has a value at ``key``."""
    return key in keys(node) and child(node, key) is not None


def keys(node: Any) -> tuple[str, ...]:
    """What a spec or a mapping has; nothing for a scalar."""
    if isinstance(node, Mapping):
        return tuple(node)
    return tuple(type(node).model_fields) if isinstance(node, Spec) else ()


def child(node: Any, key: str) -> Any:
    """The value at ``key``."""
    return node[key] if isinstance(node, Mapping) else getattr(node, key)
