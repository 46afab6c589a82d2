"""Products with weights over all devices, everything else with the cache on one of them: CENT's tensor parallelism."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import networkx as nx

from simulator.mapping.parallel.plan import Plan
from simulator.mapping.parallel.policies import ALONE, Part, Place, in_order, join, parallel_policies
from simulator.workload.model import Model
from simulator.workload.ops import MatrixOp


class SpreadProducts:
    """The leader has the cache and does what is no product; each device has an n-th of the outputs of each product.

    The input of a product is broadcast, its outputs are gathered by the leader; products with one input share its
    broadcast.
    """

    replicated = False
    deals_out_cache = False
    in_a_row = False

    def model(self, model: Model, devices: int) -> Model:
        """The whole model: products are cut in `share`."""
        del devices
        return model

    def outputs(self, features: int, devices: int) -> int:
        """An n-th of them."""
        return -(-features // devices)

    def share(self, graph: nx.DiGraph[str], devices: int, place: Place = ALONE) -> Part:
        """The leader's graph, and the followers' products."""
        del place
        leader = graph.copy()
        followers: nx.DiGraph[str] = nx.DiGraph()
        products = dict(_products(graph))
        for name, op in products.items():
            part = leader.nodes[name]["op"] = part_of(op, devices)
            followers.add_node(name, op=part)
            join(leader, name, list(leader.succ[name]), "gather", op.output_bytes, devices, tellers=1)
        for maker in graph:
            readers = [reader for reader in graph.succ[maker] if reader in products]
            if readers:
                n_bytes = products[readers[0]].input_bytes
                last = next(iter(leader.succ[maker])) if maker in products else maker
                join(leader, last, readers, "broadcast", n_bytes, devices, tellers=1)
        return Part(in_order(leader), ((followers, devices - 1),))

    def head_devices(self, plan: Plan) -> int:
        """All devices of a copy."""
        return plan.group

    def head(self, graph: nx.DiGraph[str], devices: int) -> Part:
        """As any other product."""
        return self.share(graph, devices)


def _products(graph: nx.DiGraph[str]) -> Iterator[tuple[str, MatrixOp]]:
    for name, attributes in graph.nodes.items():
        if isinstance(attributes["op"], MatrixOp):
            yield name, attributes["op"]


def part_of(op: MatrixOp, devices: int) -> MatrixOp:
    """An n-th of a product's outputs."""
    outputs = -(-op.out_features // devices)
    weights = op.weight_bytes // op.out_features
    return replace(
        op,
        out_features=outputs,
        flops=2 * outputs * op.in_features * op.tokens,
        weight_bytes=weights * outputs,
        output_bytes=op.output_bytes // op.out_features * outputs,
    )


parallel_policies.register("spread_products")(SpreadProducts())
