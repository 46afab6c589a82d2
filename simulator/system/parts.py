"""The parts of a step that are simulated by themselves: one block for all equal ones, and the model's two ends."""

from __future__ import annotations

from collections.abc import Iterable

import networkx as nx

from simulator.workload.graph import SINK, SOURCE
from simulator.workload.ops import LookupOp

HEAD = ("final_norm", "lm_head")
"""What every model has after its last block, before sampling; some have more there."""


def block_of(graph: nx.DiGraph[str]) -> nx.DiGraph[str]:
    """The first block of a step, by itself."""
    return _only(graph, [name for name, attributes in graph.nodes.items() if attributes["op"].layer == 0])


def head_of(graph: nx.DiGraph[str]) -> nx.DiGraph[str]:
    """The last norm, the projection to the vocabulary, and what is done to the logits."""
    behind = [name for name, attributes in graph.nodes.items() if attributes["op"].layer is None and name != SINK]
    return _only(graph, behind[behind.index(HEAD[0]) :])


def sampling_of(graph: nx.DiGraph[str]) -> nx.DiGraph[str]:
    """The choice of the next tokens."""
    return _only(graph, [SINK])


def embedding_of(graph: nx.DiGraph[str]) -> nx.DiGraph[str]:
    """The embedding, and that of positions."""
    names = list(graph)
    return _only(graph, names[: next(at for at, name in enumerate(names) if graph.nodes[name]["op"].layer is not None)])


def _only(graph: nx.DiGraph[str], names: Iterable[str]) -> nx.DiGraph[str]:
    found: nx.DiGraph[str] = nx.DiGraph(graph.subgraph(list(names)))
    ordered: nx.DiGraph[str] = nx.DiGraph()
    ordered.add_nodes_from((name, graph.nodes[name]) for name in graph if name in found)
    ordered.add_edges_from(found.edges(data=True))
    return ordered


def hidden_bytes(graph: nx.DiGraph[str]) -> int:
    """Bytes of the residual stream that goes from block to block in a step."""
    op = graph.nodes[SOURCE]["op"]
    assert isinstance(op, LookupOp)
    return op.output_bytes
