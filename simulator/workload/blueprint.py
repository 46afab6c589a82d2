"""Ops of a step before they have a layer: blueprints, the tensors between them, and the sections they make up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from simulator.workload.ops import Op


def op_name(layer: int | None, suffix: str) -> str:
    """Name of an op: inside a block such as ``L03.ffn_gate``, outside just ``suffix``."""
    return suffix if layer is None else f"L{layer:02d}.{suffix}"


def tensor_name(layer: int | None, suffix: str) -> str:
    """Name of a weight tensor: of a block such as ``L03.ffn_gate.weight``, outside just ``suffix``."""
    return suffix if layer is None else f"L{layer:02d}.{suffix}.weight"


@dataclass(frozen=True, slots=True)
class Flow:
    """A tensor between ops: ``n_bytes`` that ``producer`` puts out as ``label``; None: what comes into the section."""

    producer: str | None
    label: str
    n_bytes: int


@dataclass(frozen=True, slots=True)
class Weight:
    """A weight tensor without its layer: ``matrices`` of ``rows`` x ``columns`` elements; of a vector, one row."""

    name: str
    rows: int
    columns: int
    matrices: int = 1

    @property
    def elements(self) -> int:
        """Number of weights."""
        return self.matrices * self.rows * self.columns


@dataclass(frozen=True, slots=True)
class Blueprint:
    """An op without its layer: ``name`` is a suffix."""

    name: str
    op_class: type[Op]
    values: Mapping[str, Any]
    weight: Weight | None = None

    def stamp(self, layer: int | None) -> Op:
        """The op of one layer."""
        weight: dict[str, Any] = {"weight": tensor_name(layer, self.weight.name)} if self.weight else {}
        return self.op_class(name=op_name(layer, self.name), layer=layer, **weight, **self.values)


@dataclass(frozen=True, slots=True)
class Wire:
    """An edge without its layer: ``flow`` goes to the op ``consumer``."""

    flow: Flow
    consumer: str


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a step graph: its ops in execution order, the edges into each, and what goes on to the next section."""

    blueprints: tuple[Blueprint, ...]
    wires: tuple[Wire, ...]
    out: Flow
