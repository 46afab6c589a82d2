"""Operators: which ops share a kernel, how attention is computed, and whether a step is launched at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Annotated, Literal

from pydantic import Field

from simulator.config.faults import Fault, semantic_check
from simulator.workload.ops import QKV_PROJ, KindsOf, MatrixOp, VectorOp
from simulator.workload.optimizations.base import Graph, Optimization, StepView, optimization
from simulator.workload.optimizations.graphs import ops_of
from simulator.workload.optimizations.kinds import unknown_kinds

ATTENTION = KindsOf("attention", "latent_attention")


@optimization("operators")
class Operators(Optimization):
    """How ops become kernels; what is not named stays as the platform's software stack has it.

    ``fuse``: kinds of element-wise ops that ride on the kernel before them: no launch and no gap of their own, and what
    they read and put out stays in registers. ``split_qkv``: three products in place of one. ``attention``: ``flash``
    keeps scores on chip, ``unfused`` does not. ``split_context``: cached tokens that one block of a decode attention
    kernel takes (FlashDecoding), 0 for all. ``graph_capture``: one launch replays a step.
    """

    order = 60

    fuse: tuple[str, ...] = ()
    split_qkv: bool = False
    attention: Literal["flash", "unfused"] | None = None
    split_context: Annotated[int, Field(ge=0, le=10_000)] | None = None
    graph_capture: bool | None = None

    def rewrite(self, graph: Graph, view: StepView) -> Graph:
        """Fused ops, and products in parts."""
        self._acts(graph, view)
        for name, op in ops_of(graph):
            if op.kind in self.fuse and isinstance(op, VectorOp):
                graph.nodes[name]["op"] = replace(op, fused=True)
            elif op.kind == QKV_PROJ.name and self.split_qkv and isinstance(op, MatrixOp):
                _split(graph, name, op, view)
        return graph

    def _acts(self, graph: Graph, view: StepView) -> None:
        """Raise WorkloadError for a key that finds nothing to change."""
        kinds = {op.kind for _, op in ops_of(graph)}
        if self.fuse and not kinds & set(self.fuse):
            raise self.fault("fuse", f"{view.model.name} has no op of these kinds, so it would change nothing")
        if self.split_qkv and QKV_PROJ.name not in kinds:
            raise self.fault("split_qkv", f"{view.model.name} has no fused projection to queries, keys and values")
        if not any(kind in ATTENTION for kind in kinds):
            for key in ("attention", "split_context"):
                if getattr(self, key) is not None:
                    raise self.fault(key, f"{view.model.name} has no attention, so it would change nothing")

    def stack_changes(self) -> Mapping[str, object]:
        """Keys of a software stack, and what they become."""
        changes = {
            "flash_attention": None if self.attention is None else self.attention == "flash",
            "split_context": self.split_context,
            "graphs": self.graph_capture,
        }
        return {key: value for key, value in changes.items() if value is not None}

    def quality(self) -> None:
        """The same numbers come out."""

    def assumptions(self) -> tuple[str, ...]:
        """What is left out."""
        return ("a fused op costs its operations, and no launch, gap or cache traffic",) if self.fuse else ()


def _split(graph: Graph, name: str, op: MatrixOp, view: StepView) -> None:
    """Query, key and value each a product; their readers wait for all three."""
    model = view.model
    shares = {"q": model.q_features, "k": model.kv_features, "v": model.kv_features}
    if sum(shares.values()) != op.out_features:
        return
    (maker,) = graph.pred[name]
    into, readers = dict(graph.edges[maker, name]), {reader: dict(edge) for reader, edge in graph.succ[name].items()}
    for part, outputs in shares.items():
        own = replace(
            op,
            name=f"{name}.{part}",
            out_features=outputs,
            flops=op.flops * outputs // op.out_features,
            weight_bytes=op.weight_bytes * outputs // op.out_features,
            output_bytes=op.output_bytes * outputs // op.out_features,
            weight=f"{op.weight}.{part}",
            encoding=op.encoding and replace(op.encoding, full=(outputs, op.in_features)),
        )
        graph.add_node(own.name, op=own)
        graph.add_edge(maker, own.name, **into)
        for reader, edge in readers.items():
            n_bytes = edge["bytes"] * outputs // op.out_features
            graph.add_edge(own.name, reader, tensor=f"{own.name}.out", bytes=n_bytes)
    graph.remove_node(name)


@semantic_check(Operators)
def _known(block: Operators) -> Iterator[Fault]:
    yield from unknown_kinds("fuse", block.fuse)
