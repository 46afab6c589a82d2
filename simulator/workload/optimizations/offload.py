"""Offload: weights and cached tokens that lie in a far memory and are fetched when their block needs them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import ceil
from typing import Annotated

from pydantic import Field

from simulator.config.faults import Fault, semantic_check
from simulator.workload.ops import AttentionOp, KvAppendOp, Op
from simulator.workload.optimizations.base import Graph, Optimization, StepView, optimization
from simulator.workload.optimizations.graphs import has_weights, ops_of
from simulator.workload.transfers import FETCH, STORE, TransferOp

Share = Annotated[float, Field(ge=0, le=1)]


@optimization("offload")
class Offload(Optimization):
    """A share of each block's ``weights``, and of its ``cache``, lies behind the copy engine ``engine``.

    It is fetched in each step while the ``prefetch`` blocks before are at work: with 0 when the block before has ended,
    with 1 while it works. What is fetched first in a step waits for nothing. New tokens of the cache go back.
    """

    order = 70

    engine: str
    weights: Share = 0.0
    cache: Share = 0.0
    prefetch: Annotated[int, Field(ge=0, le=64)]

    @property
    def by_layer(self) -> bool:
        """Blocks wait for each other's fetches."""
        return True

    @property
    def coupled(self) -> bool:
        """A fetch goes on while the blocks before its own are at work."""
        return True

    def rewrite(self, graph: Graph, view: StepView) -> Graph:
        """A fetch for each block, and a store of what it caches."""
        if self.cache and not any(isinstance(op, AttentionOp) for _, op in ops_of(graph)):
            raise self.fault("cache", f"{view.model.name} has no cache that grows with the context (allowed: 0)")
        layers: dict[int, list[Op]] = {}
        for _, op in ops_of(graph):
            if op.layer is not None:
                layers.setdefault(op.layer, []).append(op)
        for layer, inside in layers.items():
            self._fetch_weights(graph, layers, layer, inside)
            self._fetch_cache(graph, layers, layer, inside)
        return graph

    def _fetch_weights(self, graph: Graph, layers: dict[int, list[Op]], layer: int, inside: list[Op]) -> None:
        readers = [op for op in inside if has_weights(op)]
        n_bytes = ceil(self.weights * sum(op.weight_bytes for op in readers))
        if n_bytes:
            op = TransferOp(
                name=f"L{layer:02d}.fetch", kind=FETCH.name, layer=layer, weight_bytes=n_bytes, on=self.engine
            )
            self._insert(graph, layers, op, readers)

    def _fetch_cache(self, graph: Graph, layers: dict[int, list[Op]], layer: int, inside: list[Op]) -> None:
        readers = [op for op in inside if isinstance(op, AttentionOp)]
        old = ceil(self.cache * sum(op.kv_read_bytes for op in readers))
        if not old:
            return
        op = TransferOp(name=f"L{layer:02d}.fetch_kv", kind=FETCH.name, layer=layer, kv_read_bytes=old, on=self.engine)
        self._insert(graph, layers, op, readers)
        for append in (op for op in inside if isinstance(op, KvAppendOp)):
            new = ceil(self.cache * append.kv_write_bytes)
            name = f"{append.name}.store"
            graph.add_node(
                name, op=TransferOp(name=name, kind=STORE.name, layer=layer, kv_write_bytes=new, on=self.engine)
            )
            graph.add_edge(append.name, name, tensor=f"{append.name}.new", bytes=0)

    def _insert(self, graph: Graph, layers: dict[int, list[Op]], op: TransferOp, readers: Sequence[Op]) -> None:
        """The fetch before its readers, and behind the block that frees its room."""
        assert op.layer is not None
        graph.add_node(op.name, op=op)
        for reader in readers:
            graph.add_edge(op.name, reader.name, tensor=f"{op.name}.there", bytes=0)
        before = layers.get(op.layer - self.prefetch - 1)
        if before:
            last = before[-1].name
            graph.add_edge(last, op.name, tensor=f"{last}.done", bytes=0)

    def cache_bits(self, bits: float, head_dim: int) -> float:
        """The share that stays."""
        del head_dim
        return bits * (1 - self.cache)

    def quality(self) -> None:
        """The same numbers come out."""

    def assumptions(self) -> tuple[str, ...]:
        """What is taken for granted."""
        return (
            "what is fetched is written to the near memory, and read from there by its block",
            "the first fetches of a step start with it, not while the step before is at work",
        )


@semantic_check(Offload)
def _something(block: Offload) -> Iterator[Fault]:
    if not block.weights and not block.cache:
        yield Fault((), "nothing is offloaded: give weights or cache a share")
