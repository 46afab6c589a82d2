"""The graph of a step in which groups of sequences do different things: some decode, others run a piece of a prompt.

Products with weights, norms and residuals take the tokens of all groups at once. What depends on the cache (attention
and the cache's writes) is there once for each group. Only sequences that choose a token go through the last projection.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import Any

import networkx as nx

from simulator.workload.step import Step

Build = Callable[[Step], "nx.DiGraph[str]"]
"""The graph of a step of one group alone."""


def mixed_graph(build: Build, groups: Sequence[Step], sampled: int) -> nx.DiGraph[str]:
    """One step for all ``groups``, of whose sequences ``sampled`` choose a token.

    Where a prompt computes attention otherwise than a decode step does, each group has the ops of its own way.
    """
    tokens = sum(group.tokens for group in groups)
    base, tail = build(Step(tokens, 1, 0)), build(Step(sampled, 1, 0))
    of_groups = [build(group) for group in groups]
    in_tail = _tail(base)
    own = _cached(base, build(Step(tokens, 1, 1))) | _of_some([base, *of_groups])
    graph: nx.DiGraph[str] = nx.DiGraph()
    for name in _merged([base, *of_groups]):
        if name not in own:
            graph.add_node(name, op=(tail if name in in_tail else base).nodes[name]["op"])
            continue
        for position, group in enumerate(of_groups):
            if name in group:
                named = _name(name, position)
                graph.add_node(named, op=replace(group.nodes[name]["op"], name=named))
    graph.add_edges_from(
        (start, end, (tail if end in in_tail else base).edges[start, end])
        for start, end in base.edges
        if start not in own and end not in own
    )
    for position, group in enumerate(of_groups):
        graph.add_edges_from(_edges(group, own, position))
    return graph


def _edges(group: nx.DiGraph[str], own: AbstractSet[str], position: int) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """The edges of a group from, to and between its own ops."""
    for start, end, edge in group.edges(data=True):
        if start in own or end in own:
            first, last = (_name(name, position) if name in own else name for name in (start, end))
            yield first, last, {"tensor": _name(edge["tensor"], position), "bytes": edge["bytes"]}


def _of_some(graphs: Sequence[nx.DiGraph[str]]) -> frozenset[str]:
    """The ops that some of ``graphs`` have, but not all."""
    names = [frozenset(graph) for graph in graphs]
    return frozenset().union(*names) - names[0].intersection(*names)


def _merged(graphs: Sequence[nx.DiGraph[str]]) -> Iterable[str]:
    """The ops of all ``graphs``, each behind those before it in every graph that has it."""
    order = list(graphs[0])
    for graph in graphs[1:]:
        at = 0
        for name in graph if set(graph) - set(order) else ():
            if name in order:
                at = order.index(name) + 1
            else:
                order.insert(at, name)
                at += 1
    return order


GROUP = re.compile(r"@(\d+)")


def _name(name: str, position: int) -> str:
    return f"{name}@{position}"


def group_of(name: str) -> int | None:
    """The group that an op of a mixed graph, or what was added for it, works for; None: all of them."""
    found = GROUP.search(name)
    return None if found is None else int(found[1])


def _tail(graph: nx.DiGraph[str]) -> frozenset[str]:
    """What comes after the last block."""
    names = list(graph.nodes)
    last = max(at for at, name in enumerate(names) if graph.nodes[name]["op"].layer is not None)
    return frozenset(names[last + 1 :])


def _cached(graph: nx.DiGraph[str], later: nx.DiGraph[str]) -> frozenset[str]:
    """The ops that depend on how much is cached: those that change from one step to a ``later`` one."""
    return frozenset(
        name for name, node in graph.nodes.items() if node["op"].shape_key != later.nodes[name]["op"].shape_key
    )
