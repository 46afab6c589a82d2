"""Expert parallelism: the experts of a block lie whole on devices, and tokens go to where their experts are.

Of one copy of the model, whose devices all have the tokens, each adds up what its experts make of them, and the sums
are reduced. Where several copies share experts, an all-to-all dispatches each token once to every device that has an
expert of it, and another one brings back one sum of that device's experts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from math import comb

import networkx as nx

from simulator.mapping.parallel.megatron import SUMMED, reduce_sums
from simulator.mapping.parallel.policies import Part, in_order, join
from simulator.workload.blocks.experts import Experts
from simulator.workload.busiest import dealt_out, experts_of
from simulator.workload.model import Model
from simulator.workload.ops import EXPERT_COMBINE, EXPERT_DOWN, EXPERT_GATE, EXPERT_UP, GroupedMatrixOp, Op, VectorOp
from simulator.workload.routing import Loads
from simulator.workload.transformer import Transformer

EXPERT_PRODUCTS = frozenset({EXPERT_GATE.name, EXPERT_UP.name, EXPERT_DOWN.name})
FIRST = frozenset({EXPERT_GATE.name, EXPERT_UP.name})


def experts_in(model: Model) -> Experts | None:
    """The mixture of experts in the blocks of ``model``, if there is one."""
    part = getattr(model.architecture, "feed_forward", None)
    return part if isinstance(part, Experts) else None


def with_whole_experts(model: Model, held: Model, plan: ExpertPlan) -> Model:
    """``held``, the part of ``model`` on a device, with experts as wide as the model's that lie as ``plan`` says."""
    architecture = held.architecture
    assert isinstance(architecture, Transformer)
    assert isinstance(architecture.feed_forward, Experts)
    spread = replace(
        architecture, feed_forward=replace(architecture.feed_forward, copies=plan.copies, devices=plan.devices)
    )
    return replace(held, d_ff=model.d_ff, architecture=spread)


@dataclass(frozen=True)
class ExpertPlan:
    """``experts`` over ``copies`` copies of the model, each on ``tensor`` devices."""

    experts: Experts
    tensor: int
    copies: int

    @property
    def devices(self) -> int:
        """Devices with whole experts."""
        return self.tensor * self.copies

    @property
    def reached(self) -> float:
        """The mean share of the devices that have an expert of a token, all experts being equally popular."""
        count, chosen = self.experts.count, self.experts.chosen
        missed = [comb(count - held, chosen) / comb(count, chosen) for held in experts_of(count, self.devices)]
        return 1 - sum(missed) / self.devices

    def share(self, graph: nx.DiGraph[str]) -> Part:
        """What the busiest device does of the block ``graph``, and what the others do."""
        graph = graph.copy()
        inside = frozenset(_inside(graph))
        kinds = SUMMED if self.copies == 1 else SUMMED - {EXPERT_COMBINE.name}
        if self.tensor > 1:
            reduce_sums(graph, kinds, self.tensor, tellers=self.tensor)
        if inside and self.copies > 1:
            self._exchange(graph, inside)
        graph = in_order(graph)
        if not inside:
            return Part(graph)
        loads = _loads_of(graph, inside, self.experts.count, self.devices)
        rest = in_order(graph)
        rest.remove_nodes_from(inside)
        others = [(rest, self.devices - 1)]
        for load, devices in Counter(load for load in loads[1:] if load).items():
            part: nx.DiGraph[str] = nx.DiGraph(graph.subgraph(inside))
            others.append((_with_loads(in_order(part), load, self.copies), devices))
        return Part(_with_loads(graph, loads[0], self.copies), tuple(others))

    def _exchange(self, graph: nx.DiGraph[str], inside: Collection[str]) -> None:
        """Dispatch before the first products of experts, and what brings their results back behind the last sum."""
        first = [name for name in inside if graph.nodes[name]["op"].kind in FIRST]
        makers = {maker: graph.edges[maker, name]["bytes"] for name in first for maker in graph.pred[name]}
        vectors = max(makers, key=lambda maker: makers[maker])
        dispatch = join(
            graph,
            vectors,
            [name for name in graph.succ[vectors] if name in first],
            "alltoall",
            self._moved(makers[vectors]),
            self.devices,
            tellers=self.devices,
        )
        for maker in set(makers) - {vectors}:
            graph.remove_edges_from([(maker, name) for name in list(graph.succ[maker]) if name in first])
            graph.add_edge(maker, dispatch, tensor=f"{maker}.chosen", bytes=0)
        (combine,) = (name for name in inside if graph.nodes[name]["op"].kind == EXPERT_COMBINE.name)
        whole, readers = graph.nodes[combine]["op"].output_bytes, list(graph.succ[combine])
        back = join(graph, combine, readers, "alltoall", self._moved(whole), self.devices, tellers=self.devices)
        if self.tensor > 1:
            join(graph, back, readers, "allgather", whole, self.tensor, tellers=self.tensor)

    def _moved(self, n_bytes: int) -> int:
        """Bytes that a device has for all devices, of ``n_bytes`` of the vectors of a copy's tokens."""
        return round(n_bytes * self.devices * self.reached / self.tensor)


def _inside(graph: nx.DiGraph[str]) -> Iterator[str]:
    """All that is done where the experts are: from their first products to the sum of each token's results."""
    first = [name for name in graph if graph.nodes[name]["op"].kind in FIRST]
    last = [name for name in graph if graph.nodes[name]["op"].kind == EXPERT_COMBINE.name]
    after = {name for start in first for name in (start, *nx.descendants(graph, start))}
    before = {name for end in last for name in (end, *nx.ancestors(graph, end))}
    return (name for name in graph if name in after and name in before)


def _loads_of(graph: nx.DiGraph[str], inside: Collection[str], count: int, devices: int) -> tuple[Loads, ...]:
    op = next(op for name in inside if isinstance(op := graph.nodes[name]["op"], GroupedMatrixOp))
    return dealt_out(op.loads, count, devices, op.layer or 0)


def _with_loads(graph: nx.DiGraph[str], loads: Loads, copies: int) -> nx.DiGraph[str]:
    """``graph`` with experts that have ``loads`` in place of all of them."""
    graph = graph.copy()
    experts = [(name, op) for name in graph if isinstance(op := graph.nodes[name]["op"], GroupedMatrixOp)]
    experts = [(name, op) for name, op in experts if op.kind in EXPERT_PRODUCTS]
    whole = experts[0][1].vectors
    vectors, matrices = sum(v * n for v, n in loads), sum(n for _, n in loads)
    names = frozenset(_inside(graph))
    for name in names:
        op = graph.nodes[name]["op"]
        if isinstance(op, GroupedMatrixOp):
            graph.nodes[name]["op"] = _product(op, loads, vectors, matrices, copies)
        else:
            graph.nodes[name]["op"] = _element_wise(op, vectors, whole)
        for reader in graph.succ[name]:
            if reader in names:
                edge = graph.edges[name, reader]
                edge["bytes"] = edge["bytes"] * vectors // whole
    return graph


def _product(op: GroupedMatrixOp, loads: Loads, vectors: int, matrices: int, copies: int) -> GroupedMatrixOp:
    """Products with some of the matrices. The first ones read a vector of all ``copies`` for each of their own."""
    taken = copies if op.kind in FIRST else 1
    return replace(
        op,
        loads=loads,
        flops=op.flops // op.vectors * vectors,
        weight_bytes=op.weight_bytes // op.matrices * matrices,
        input_bytes=op.input_bytes * taken * vectors // op.vectors,
        output_bytes=op.output_bytes * vectors // op.vectors,
    )


def _element_wise(op: Op, vectors: int, whole: int) -> Op:
    """An op on so many of ``whole`` vectors; what it gives out is as long as before where it adds vectors up."""
    assert isinstance(op, VectorOp)
    kept = op.output_bytes if op.kind == EXPERT_COMBINE.name else op.output_bytes * vectors // whole
    return replace(
        op,
        elements=op.elements * vectors // whole,
        rows=max(1, op.rows * vectors // whole),
        flops=op.flops * vectors // whole,
        input_bytes=op.input_bytes * vectors // whole,
        output_bytes=kept,
    )
