"""A block's weights in pieces on a row of devices, through which each sequence passes one device after the other."""

from __future__ import annotations

import networkx as nx

from simulator.mapping.parallel.plan import Plan
from simulator.mapping.parallel.policies import ALONE, Part, Place, in_order, parallel_policies
from simulator.workload.collective import CollectiveOp
from simulator.workload.model import Model
from simulator.workload.ops import GroupedMatrixOp, MatrixOp


class Conveyor:
    """Each of n devices has the next n-th of a stage's weights; a block takes the time that one device would take.

    Where a device's weights end, within a block or between two, the results so far go on to the next one. The cached
    heads are dealt out to the devices. A static schedule has no more to do: nobody waits but for the one before.
    """

    replicated = False
    deals_out_cache = True
    in_a_row = True

    def model(self, model: Model, devices: int) -> Model:
        """The whole model: its products are not cut."""
        del devices
        return model

    def outputs(self, features: int, devices: int) -> int:
        """An n-th of them, in bytes: whole products and a cut one."""
        return -(-features // devices)

    def share(self, graph: nx.DiGraph[str], devices: int, place: Place = ALONE) -> Part:
        """The graph with a send wherever a device's weights end; the others rest meanwhile."""
        leader = graph.copy()
        products = [
            (name, op) for name in graph if isinstance(op := graph.nodes[name]["op"], MatrixOp | GroupedMatrixOp)
        ]
        total = sum(op.weight_bytes for _, op in products)
        before, crossed = total * place.number, devices * place.number // place.blocks
        for name, op in products:
            before += op.weight_bytes
            ends = min(devices - 1, before * devices // (total * place.blocks))
            if ends > crossed:
                _pass_on(leader, name, ends - crossed)
            crossed = max(crossed, ends)
        return Part(in_order(leader), ())

    def head_devices(self, plan: Plan) -> int:
        """All devices of a copy."""
        return plan.group

    def head(self, graph: nx.DiGraph[str], devices: int) -> Part:
        """Dealt out to all: the projection to the vocabulary is no part of the row."""
        return parallel_policies.get("spread_products").head(graph, devices)


def _pass_on(graph: nx.DiGraph[str], maker: str, times: int) -> None:
    """Put ``times`` sends, one after the other, between ``maker`` and the readers of its results."""
    op = graph.nodes[maker]["op"]
    readers = {reader: graph.edges[maker, reader] for reader in graph.succ[maker]}
    graph.remove_edges_from([(maker, reader) for reader in readers])
    last = maker
    for number in range(times):
        send = CollectiveOp(
            name=f"{maker}.send{number}", kind="send", layer=op.layer, n_bytes=op.output_bytes, endpoints=2, devices=1
        )
        graph.add_node(send.name, op=send)
        graph.add_edge(last, send.name, tensor=f"{last}.out.send", bytes=op.output_bytes)
        last = send.name
    for reader, edge in readers.items():
        graph.add_edge(last, reader, tensor=f"{last}.{edge['tensor']}", bytes=edge["bytes"])


parallel_policies.register("conveyor")(Conveyor())
