"""Semantic checks: what a spec's types cannot say about it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from simulator.config.base_schema import Spec
from simulator.config.tree import Path

S = TypeVar("S", bound=Spec)


@dataclass(frozen=True)
class Fault:
    """What is wrong with the value at ``path`` of a spec."""

    path: Path
    message: str


_CHECKS: dict[type[Spec], Callable[[Any], Iterator[Fault]]] = {}


def semantic_check(spec: type[S]) -> Callable[[Callable[[S], Iterator[Fault]]], Callable[[S], Iterator[Fault]]]:
    """A decorator: run the function on each ``spec`` of a document that is valid by its types."""

    def file_it(check: Callable[[S], Iterator[Fault]]) -> Callable[[S], Iterator[Fault]]:
        _CHECKS[spec] = check
        return check

    return file_it


def faults(value: object, path: Path = ()) -> Iterator[Fault]:
    """All faults of a spec and the specs in it, with paths from its root."""
    if isinstance(value, Spec):
        check = _CHECKS.get(type(value))
        if check is not None:
            for fault in check(value):
                yield Fault((*path, *fault.path), fault.message)
        for name, field in type(value).model_fields.items():
            yield from faults(getattr(value, name), (*path, field.alias or name))
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from faults(item, (*path, key))
    elif isinstance(value, tuple):
        for position, item in enumerate(value):
            yield from faults(item, (*path, position))
