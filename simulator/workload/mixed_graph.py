"""The graph of a step in which groups of sequences do different things: some decode, others run a piece of a prompt.

Products with weights, norms and residuals take the tokens of all groups at once. What depends on the cache (attention
and the cache's writes) is there once for each group. Only sequences that choose a token go through the last projection.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

import networkx as nx

from simulator.workload.step import Step

Build = Callable[[Step], "nx.DiGraph[str]"]
"""The graph of a step of one group alone."""


def mixed_graph(build: Build, groups: Sequence[Step], sampled: int) -> nx.DiGraph[str]:
    """One step for all ``groups``, of whose sequences ``sampled`` choose a token."""
    tokens = sum(group.tokens for group in groups)
    base, tail = build(Step(tokens, 1, 0)), build(Step(sampled, 1, 0))
    in_tail, cached = _tail(base), _cached(base, build(Step(tokens, 1, 1)))
    of_groups = [build(group) for group in groups]
    graph: nx.DiGraph[str] = nx.DiGraph()
    for name, attributes in base.nodes.items():
        if name in cached:
            for position, group in enumerate(of_groups):
                own = _name(name, position)
                graph.add_node(own, op=replace(group.nodes[name]["op"], name=own))
        else:
            graph.add_node(name, op=(tail.nodes[name] if name in in_tail else attributes)["op"])
    for start, end in base.edges:
        if start not in cached and end not in cached:
            graph.add_edge(start, end, **(tail if end in in_tail else base).edges[start, end])
            continue
        for position, group in enumerate(of_groups):
            edge = group.edges[start, end]
            ends = (_name(name, position) if name in cached else name for name in (start, end))
            graph.add_edge(*ends, tensor=_name(edge["tensor"], position), bytes=edge["bytes"])
    return graph


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
