"""Layer skipping: blocks that are left out of the model for good."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from simulator.workload.model import Model
from simulator.workload.optimizations.base import Graph, Optimization, StepView, optimization
from simulator.workload.optimizations.layers import without_layers


@optimization("layer_skipping")
class LayerSkipping(Optimization):
    """The blocks ``layers`` are neither stored nor computed, nor do they cache anything."""

    order = 5

    layers: Annotated[tuple[Annotated[int, Field(ge=0)], ...], Field(min_length=1)]

    @property
    def by_layer(self) -> bool:
        """Blocks are left out one by one."""
        return True

    def check(self, model: Model) -> None:
        """They are blocks of the model, and some are left."""
        wrong = [layer for layer in self.layers if layer >= model.n_layers]
        if wrong:
            raise self.fault("layers", f"{wrong[0]} is not a block of {model.name} (allowed: 0..{model.n_layers - 1})")
        if len(set(self.layers)) != len(self.layers):
            raise self.fault("layers", "a block is named twice")
        if len(self.layers) == model.n_layers:
            raise self.fault("layers", f"no block of {model.name} is left")

    def rewrite(self, graph: Graph, view: StepView) -> Graph:
        """The other blocks."""
        del view
        return without_layers(graph, self.layers)

    def kept_layers(self, layers: tuple[int, ...]) -> tuple[int, ...]:
        """The others."""
        return tuple(layer for layer in layers if layer not in self.layers)
