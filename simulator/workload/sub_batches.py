"""Sub-batches: a step of one batch as independent parts, so that one's products and another's attention can overlap.

Every part has all ops of the step for its share of the sequences, weights and all: what one batch reads once, each part
reads once. Parts depend on nothing of each other; which ops overlap is decided by the units that they wait for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby, zip_longest

import networkx as nx

from simulator.workload.graph import DecodeGraphs
from simulator.workload.model import Model
from simulator.workload.precision import Precision

Names = list[str]


class SubBatchGraphs:
    """The decode graphs of a batch in ``parts`` as equal as can be, at most one a sequence; one is the plain graph."""

    def __init__(self, model: Model, *, batch: int, precision: Precision, parts: int) -> None:
        parts = min(parts, batch)
        sizes = [batch // parts + (part < batch % parts) for part in range(parts)]
        self._graphs = [DecodeGraphs(model, batch=size, precision=precision) for size in sizes]

    def at(self, context: int) -> nx.DiGraph[str]:
        """The graph of one step with ``context`` tokens cached before it; a new graph each time."""
        return side_by_side([graphs.at(context) for graphs in self._graphs])


def side_by_side(graphs: Sequence[nx.DiGraph[str]]) -> nx.DiGraph[str]:
    """All graphs as one, those after the first with names of their own, their blocks in turn."""
    if len(graphs) == 1:
        return graphs[0]
    whole: nx.DiGraph[str] = nx.DiGraph()
    named = [_renamed(graph, f"S{number}." if number else "") for number, graph in enumerate(graphs)]
    for turn in zip_longest(*map(_blocks, named), fillvalue=()):
        for graph, names in zip(named, turn, strict=True):
            whole.add_nodes_from((name, graph.nodes[name]) for name in names)
    for graph in named:
        whole.add_edges_from(graph.edges(data=True))
    return whole


def _renamed(graph: nx.DiGraph[str], prefix: str) -> nx.DiGraph[str]:
    if not prefix:
        return graph
    renamed: nx.DiGraph[str] = nx.DiGraph()
    for name, attributes in graph.nodes(data=True):
        renamed.add_node(prefix + name, op=replace(attributes["op"], name=prefix + name))
    for producer, consumer, edge in graph.edges(data=True):
        tensor = prefix + edge["tensor"]
        renamed.add_edge(prefix + producer, prefix + consumer, tensor=tensor, bytes=edge["bytes"])
    return renamed


def _blocks(graph: nx.DiGraph[str]) -> Iterator[Names]:
    for _, names in groupby(graph.nodes, key=lambda name: graph.nodes[name]["op"].layer):
        yield list(names)
