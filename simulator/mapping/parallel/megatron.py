"""Heads and feed-forward columns dealt out to all devices; two all-reduces a block (Shoeybi et al., 2019)."""

from __future__ import annotations

from collections.abc import Collection

import networkx as nx

from simulator.mapping.parallel.plan import Plan
from simulator.mapping.parallel.policies import ALONE, Part, Place, bring, in_order, join, parallel_policies
from simulator.mapping.parallel.spread_products import part_of
from simulator.workload.model import Model
from simulator.workload.ops import MatrixOp

SUMMED = frozenset({"out_proj", "ffn_down", "expert_combine"})
"""Kinds whose results are partial sums on each device."""


class Megatron:
    """Every device has ``n_heads / n`` heads with their cache, ``d_ff / n`` columns, and its part of the vocabulary.

    Partial sums that only meet in one sum (of parallel parts, of chosen and shared experts) are reduced as one. Where
    there are fewer cached heads than devices, each is kept by several. The residual stream is on all devices.
    """

    replicated = True
    deals_out_cache = False
    in_a_row = False

    def model(self, model: Model, devices: int) -> Model:
        """The device's part. Raises MappingError for heads that cannot be dealt out evenly."""
        return model.architecture.divided(model, devices)

    def outputs(self, features: int, devices: int) -> int:
        """All of them: the model's part is cut already."""
        del devices
        return features

    def share(self, graph: nx.DiGraph[str], devices: int, place: Place = ALONE) -> Part:
        """The graph with its all-reduces."""
        del place
        graph = graph.copy()
        reduce_sums(graph, SUMMED, devices, tellers=devices)
        return Part(in_order(graph))

    def head_devices(self, plan: Plan) -> int:
        """Those of the last stage."""
        return plan.sharers

    def head(self, graph: nx.DiGraph[str], devices: int) -> Part:
        """Each has the input and does its part of the vocabulary; the logits are gathered."""
        graph = graph.copy()
        for name in list(graph):
            op = graph.nodes[name]["op"]
            if isinstance(op, MatrixOp):
                graph.nodes[name]["op"] = part_of(op, devices)
                join(graph, name, list(graph.succ[name]), "gather", op.output_bytes, devices, tellers=devices)
        return Part(in_order(graph))


def reduce_sums(graph: nx.DiGraph[str], kinds: Collection[str], devices: int, *, tellers: int) -> None:
    """All-reduces of the results of ops of ``kinds`` among ``devices`` devices; those with the same readers as one."""
    sums: dict[tuple[str, ...], list[str]] = {}
    for name in graph:
        if graph.nodes[name]["op"].kind in kinds:
            sums.setdefault(tuple(graph.succ[name]), []).append(name)
    for readers, makers in sums.items():
        n_bytes = graph.nodes[makers[-1]]["op"].output_bytes
        first = join(graph, makers[-1], list(readers), "allreduce", n_bytes, devices, tellers=tellers)
        for maker in makers[:-1]:
            bring(graph, maker, list(readers), first)


parallel_policies.register("megatron")(Megatron())
