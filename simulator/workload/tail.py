"""The end of a step after its last block, for every new token instead of the last one of each sequence."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import networkx as nx

from simulator.workload.ops import LookupOp, Op

SCALED = ("tokens", "elements", "rows", "flops", "input_bytes", "output_bytes")
"""Fields of an op that grow with its tokens."""


def tail_of(graph: nx.DiGraph[str]) -> list[str]:
    """The ops after the last block: outside the blocks, and no table look-up."""
    ops = ((name, attributes["op"]) for name, attributes in graph.nodes.items())
    return [name for name, op in ops if op.layer is None and not isinstance(op, LookupOp)]


def times(op: Op, factor: int) -> Op:
    """``op`` for ``factor`` times as many tokens; weights are read once all the same."""
    own = {field.name for field in fields(op)}
    changed: dict[str, Any] = {name: getattr(op, name) * factor for name in SCALED if name in own}
    return replace(op, **changed)


def for_every_position(graph: nx.DiGraph[str], queries: int) -> None:
    """Logits, and choices of tokens, for each of ``queries`` new tokens of each sequence; changes ``graph``."""
    for name in tail_of(graph):
        graph.nodes[name]["op"] = times(graph.nodes[name]["op"], queries)
        for maker in graph.pred[name]:
            graph.edges[maker, name]["bytes"] *= queries
