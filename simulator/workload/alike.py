"""Blocks of a model that do the same in a step: one of them can stand for all."""

from __future__ import annotations

from collections.abc import Hashable, Mapping

from simulator.workload.model import Model
from simulator.workload.step import Step

Alike = Mapping[int, tuple[int, ...]]
"""The first of some blocks that do the same -> all of them."""


def alike_blocks(model: Model, tokens: int) -> Alike:
    """The blocks of ``model`` that do the same for ``tokens`` new tokens, in the order of the first of each kind."""
    step = Step(tokens, 1, 0)
    found: dict[Hashable, list[int]] = {}
    for layer in range(model.n_layers):
        found.setdefault(model.architecture.variant(model, step, layer), []).append(layer)
    return {layers[0]: tuple(layers) for layers in found.values()}


def each_block(model: Model) -> Alike:
    """Every block by itself."""
    return {layer: (layer,) for layer in range(model.n_layers)}
