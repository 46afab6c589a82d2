"""The parts of a step that are simulated by themselves: blocks, what stands between them, and the model's two ends."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Sequence

import networkx as nx

from simulator.workload.graph import SINK, SOURCE
from simulator.workload.ops import SAMPLING, LookupOp, Op

HEAD = ("final_norm", "lm_head")
"""What every model has after its last block, before sampling; some have more there."""

Cut = tuple["nx.DiGraph[str]", "nx.DiGraph[str]"]
"""(a test of an early exit up to its logits, the choice it makes)"""


def layers_of(graph: nx.DiGraph[str]) -> tuple[int, ...]:
    """The blocks of which a step has ops, in order."""
    return tuple(sorted({op.layer for _, op in _ops(graph) if op.layer is not None}))


def blocks_of(graph: nx.DiGraph[str], layers: Collection[int]) -> nx.DiGraph[str]:
    """The ops of some blocks of a step, by themselves."""
    return _only(graph, [name for name, op in _ops(graph) if op.layer in layers])


def work_of(graph: nx.DiGraph[str]) -> Hashable:
    """All that decides what a part costs: parts for which it is equal do the same."""
    place = {name: number for number, name in enumerate(graph)}
    edges = sorted((place[start], place[end], edge["bytes"]) for start, end, edge in graph.edges(data=True))
    return tuple(op.shape_key for _, op in _ops(graph)), tuple(edges)


def head_of(graph: nx.DiGraph[str]) -> nx.DiGraph[str]:
    """The last norm, the projection to the vocabulary, and what is done to the logits."""
    names = list(graph)
    return _only(graph, [name for name in names[names.index(HEAD[0]) :] if _ends(graph, name) and name != SINK])


def sampling_of(graph: nx.DiGraph[str]) -> nx.DiGraph[str]:
    """The choice of the next tokens."""
    return _only(graph, [SINK])


def embedding_of(graph: nx.DiGraph[str]) -> nx.DiGraph[str]:
    """The embedding, and that of positions."""
    return _only(graph, _before_blocks(graph))


def tests_of(graph: nx.DiGraph[str]) -> list[Cut]:
    """Tests between blocks, which are the model's head for the tokens that are still there."""
    names = list(graph)
    first, last = len(_before_blocks(graph)), names.index(HEAD[0])
    found: list[list[str]] = [[]]
    for name in names[first:last]:
        if _ends(graph, name):
            found[-1].append(name)
        elif found[-1]:
            found.append([])
    return [_test(graph, test) for test in found if test]


def _test(graph: nx.DiGraph[str], names: Sequence[str]) -> Cut:
    choices = [name for name in names if graph.nodes[name]["op"].kind == SAMPLING.name]
    return _only(graph, [name for name in names if name not in choices]), _only(graph, choices)


def _before_blocks(graph: nx.DiGraph[str]) -> list[str]:
    names = list(graph)
    return names[: next(at for at, name in enumerate(names) if not _ends(graph, name))]


def _ends(graph: nx.DiGraph[str], name: str) -> bool:
    return graph.nodes[name]["op"].layer is None


def _ops(graph: nx.DiGraph[str]) -> Iterable[tuple[str, Op]]:
    return ((name, attributes["op"]) for name, attributes in graph.nodes.items())


def _only(graph: nx.DiGraph[str], names: Iterable[str]) -> nx.DiGraph[str]:
    wanted = dict.fromkeys(names)
    ordered: nx.DiGraph[str] = nx.DiGraph()
    ordered.add_nodes_from((name, graph.nodes[name]) for name in wanted)
    ordered.add_edges_from((start, end, edge) for start, end, edge in graph.edges(wanted, data=True) if end in wanted)
    return ordered


def hidden_bytes(graph: nx.DiGraph[str]) -> int:
    """Bytes of the residual stream that goes from block to block in a step."""
    op = graph.nodes[SOURCE]["op"]
    assert isinstance(op, LookupOp)
    return op.output_bytes
