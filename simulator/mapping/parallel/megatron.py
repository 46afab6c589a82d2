"""Heads and feed-forward columns dealt out to all devices; two all-reduces a block (Shoeybi et al., 2019)."""

from __future__ import annotations

import networkx as nx

from simulator.mapping.parallel.plan import Plan
from simulator.mapping.parallel.policies import Part, in_order, join, parallel_policies
from simulator.mapping.parallel.spread_products import part_of
from simulator.workload.model import Model
from simulator.workload.ops import MatrixOp

SUMMED = frozenset({"out_proj", "ffn_down", "expert_down"})
"""Products whose outputs are partial sums on each device."""


class Megatron:
    """Every device has ``n_heads / n`` heads with their cache, ``d_ff / n`` columns, and its part of the vocabulary.

    Where there are fewer cached heads than devices, each is kept by several. The residual stream is on all devices.
    """

    replicated = True
    deals_out_cache = False

    def model(self, model: Model, devices: int) -> Model:
        """The device's part. Raises MappingError for heads that cannot be dealt out evenly."""
        return model.architecture.divided(model, devices)

    def outputs(self, features: int, devices: int) -> int:
        """All of them: the model's part is cut already."""
        del devices
        return features

    def share(self, graph: nx.DiGraph[str], devices: int) -> Part:
        """The graph with its all-reduces."""
        graph = graph.copy()
        for name in list(graph):
            op = graph.nodes[name]["op"]
            if op.kind in SUMMED:
                join(graph, name, list(graph.succ[name]), "allreduce", op.output_bytes, devices, tellers=devices)
        return Part(in_order(graph))

    def head_devices(self, plan: Plan) -> int:
        """Those of the last stage."""
        return plan.tensor

    def head(self, graph: nx.DiGraph[str], devices: int) -> Part:
        """Each has the input and does its part of the vocabulary; the logits are gathered."""
        graph = graph.copy()
        for name in list(graph):
            op = graph.nodes[name]["op"]
            if isinstance(op, MatrixOp):
                graph.nodes[name]["op"] = part_of(op, devices)
                join(graph, name, list(graph.succ[name]), "gather", op.output_bytes, devices, tellers=devices)
        return Part(in_order(graph))


parallel_policies.register("megatron")(Megatron())
