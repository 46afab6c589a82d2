"""Changes that blocks make to graphs: which ops there are of a class, and ops in place of others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import TypeAlias, TypeVar

import networkx as nx

from simulator.workload.encoding import Encoding, weights_in
from simulator.workload.ops import (
    FFN_DOWN,
    FFN_GATE,
    FFN_UP,
    MatrixOp,
    Op,
    VectorOp,
    WeightedOp,
)
from simulator.workload.precision import Precision

Graph: TypeAlias = "nx.DiGraph[str]"


def ops_of(graph: Graph) -> Iterator[tuple[str, Op]]:
    """Each op with its name, in the graph's order."""
    return ((name, attributes["op"]) for name, attributes in list(graph.nodes.items()))


W = TypeVar("W", bound=WeightedOp)


class Once:
    """A change of ops that is worked out once for ops of equal shape, in ops of every layer."""

    def __init__(self, change: Callable[[Op], Op]) -> None:
        self._change = change
        self._known: dict[tuple[object, ...], Op] = {}

    def __call__(self, op: Op) -> Op:
        """The changed op, with its own name, layer and weight."""
        key = op.shape_key
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = self._change(op)
        named = {"name": op.name, "layer": op.layer}
        weight = getattr(op, "weight", None)
        return replace(found, **named, **({"weight": weight} if weight is not None else {}))  # type: ignore[arg-type]


def has_weights(op: Op) -> bool:
    """Whether it is a product with weights."""
    return isinstance(op, WeightedOp)


def encoding_of(op: WeightedOp, precision: Precision) -> Encoding:
    """How the weights of ``op`` are kept now."""
    if op.encoding is not None:
        return op.encoding
    return weights_in(precision, op.out_features, op.in_features)


def cut_to(op: MatrixOp, rows: int, columns: int, encoding: Encoding) -> MatrixOp:
    """The part of a product with ``rows`` of its outputs and ``columns`` of its inputs, kept as ``encoding`` says."""
    return replace(
        op,
        encoding=encoding,
        out_features=rows,
        in_features=columns,
        weight_bytes=encoding.n_bytes(rows, columns),
        flops=2 * rows * columns * op.tokens,
        input_bytes=op.input_bytes * columns // op.in_features,
        output_bytes=op.output_bytes * rows // op.out_features,
    )


def encoded(op: W, encoding: Encoding) -> W:
    """``op`` with its weights kept as ``encoding`` says, and multiply-adds with those elements that are kept."""
    kept = encoding.kept(op.out_features, op.in_features)
    return replace(
        op,
        encoding=encoding,
        weight_bytes=op.matrices * encoding.n_bytes(op.out_features, op.in_features),
        flops=2 * kept * op.vectors,
    )


def send_all(graph: Graph, makers: Iterable[str]) -> None:
    """Each op of ``makers`` sends all that it puts out to whoever reads it; edges that only order stay so."""
    for maker in makers:
        for edge in graph.succ[maker].values():
            if edge["bytes"]:
                edge["bytes"] = graph.nodes[maker]["op"].output_bytes


def vector_ops_behind(graph: Graph, names: Iterable[str]) -> list[str]:
    """The element-wise ops that stand between ``names`` and the next products, in the graph's order."""
    found: dict[str, None] = {}
    for name in names:
        for reader in graph.succ[name]:
            if isinstance(graph.nodes[reader]["op"], VectorOp) and graph.edges[name, reader]["bytes"]:
                found.setdefault(reader)
    more = [reader for reader in vector_ops_behind(graph, found) if reader not in found] if found else []
    return [*found, *more]


def feed_forward(graph: Graph) -> tuple[list[str], list[str], list[str]]:
    """(products into the neurons, element-wise ops on them, products out of them) of dense feed-forward parts."""
    into = [n for n, op in ops_of(graph) if isinstance(op, MatrixOp) and op.kind in (FFN_GATE.name, FFN_UP.name)]
    out = [n for n, op in ops_of(graph) if isinstance(op, MatrixOp) and op.kind == FFN_DOWN.name]
    return into, vector_ops_behind(graph, into), out


def readers_by_tensor(graph: Graph) -> dict[tuple[str, str], list[str]]:
    """(producer, tensor) -> the ops that read it, in the graph's order."""
    found: dict[tuple[str, str], list[str]] = {}
    for maker in graph:
        for reader, edge in graph.succ[maker].items():
            found.setdefault((maker, edge["tensor"]), []).append(reader)
    return found


def insert_before(graph: Graph, maker: str, readers: list[str], op: Op) -> None:
    """Put ``op`` between ``maker`` and those ``readers`` of one tensor of it; they read what ``op`` puts out."""
    edge = graph.edges[maker, readers[0]]
    graph.add_node(op.name, op=op)
    graph.add_edge(maker, op.name, **edge)
    for reader in readers:
        graph.remove_edge(maker, reader)
        graph.add_edge(op.name, reader, tensor=f"{op.name}.out", bytes=op.output_bytes)


def in_order(graph: Graph) -> Graph:
    """``graph`` with each added op before the first op that reads it, and all others where they were."""
    found: dict[str, None] = {}

    def place(name: str) -> None:
        for maker in graph.pred[name]:
            if maker not in found:
                place(maker)
        found.setdefault(name)

    for name in graph:
        place(name)
    ordered: Graph = nx.DiGraph()
    ordered.add_nodes_from((name, graph.nodes[name]) for name in found)
    ordered.add_edges_from(graph.edges(data=True))
    return ordered
