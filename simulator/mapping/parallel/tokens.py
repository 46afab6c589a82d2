"""Sequence parallelism: devices with the same weights, each with a part of the tokens of every sequence.

In decode each device attends to the cached tokens that it has (flash-decoding across devices): values, the largest
score and the sum of the exponentials of all are merged by an all-reduce, since merging is associative. All else of a
step is done by each device. Of a prompt each device computes its own tokens, after all keys and values were gathered.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import networkx as nx

from simulator.mapping.parallel.policies import Part, bring, in_order, join
from simulator.workload.collective import CollectiveOp
from simulator.workload.ops import (
    ATTN_CONTEXT,
    ATTN_SCORE,
    KEY_EXPAND,
    LATENT_CONTEXT,
    LATENT_SCORE,
    VALUE_EXPAND,
    AttentionOp,
    KvAppendOp,
    Op,
    VectorOp,
)

STATISTIC_BYTES = 8
"""The largest score and the sum of a query head, in FP32."""
SCORES = frozenset({ATTN_SCORE.name, LATENT_SCORE.name})
CONTEXTS = frozenset({ATTN_CONTEXT.name, LATENT_CONTEXT.name})
EXPANDED = frozenset({KEY_EXPAND.name, VALUE_EXPAND.name})

Range = tuple[int, int, int]
"""(first part, the one behind the last, parts in all)"""


def merge_bytes(op: AttentionOp) -> int:
    """Bytes of the partial result of one device: values, and two numbers for each query of each head."""
    return op.output_bytes + STATISTIC_BYTES * op.batch * op.queries * op.n_heads


def decode_share(graph: nx.DiGraph[str], devices: int) -> Part:
    """A block of a decode step on ``devices`` devices; the first has the most tokens, and caches the new ones."""
    graph = graph.copy()
    for name in list(graph):
        op = graph.nodes[name]["op"]
        if op.kind in CONTEXTS:
            join(graph, name, list(graph.succ[name]), "allreduce", merge_bytes(op), devices, tellers=devices)
    graph = in_order(graph)
    length = max((op.context for op in _attention(graph).values()), default=0)
    share, rest = divmod(length, devices)
    starts = [share * device + min(device, rest) for device in range(devices + 1)]
    ranges = [(starts[device], starts[device + 1]) for device in range(devices)]
    leader = _with_tokens(graph, (*ranges[0], length), caches=True)
    if not length:
        return Part(leader)
    others = Counter(end - start for start, end in ranges[1:])
    first = {end - start: (start, end) for start, end in reversed(ranges[1:])}
    return Part(
        leader,
        tuple((_with_tokens(graph, (*first[size], length), caches=False), n) for size, n in others.items()),
    )


def prompt_share(graphs: Sequence[nx.DiGraph[str]]) -> Part:
    """A block of a prompt: the graph of each device, with a gather of all keys and values before its attention."""
    n_bytes = sum(_made_bytes(graph) for graph in graphs)
    first, *rest = (_gathered(graph, n_bytes, len(graphs)) for graph in graphs)
    return Part(first, tuple((graph, 1) for graph in rest))


def _attention(graph: nx.DiGraph[str]) -> dict[str, AttentionOp]:
    return {name: op for name in graph if isinstance(op := graph.nodes[name]["op"], AttentionOp)}


def _between(graph: nx.DiGraph[str]) -> set[str]:
    """What stands between scores and the sum of values: one element for each pair of query and token."""
    after = {name for start in graph if _kind(graph, start) in SCORES for name in nx.descendants(graph, start)}
    before = {name for end in graph if _kind(graph, end) in CONTEXTS for name in nx.ancestors(graph, end)}
    return after & before


def _kind(graph: nx.DiGraph[str], name: str) -> str:
    kind: str = graph.nodes[name]["op"].kind
    return kind


def _with_tokens(graph: nx.DiGraph[str], part: Range, *, caches: bool) -> nx.DiGraph[str]:
    """``graph`` for a device with the cached tokens of ``part``; ``caches``: the new ones too."""
    graph = graph.copy()
    between, attention = _between(graph), _attention(graph)
    for name, op in attention.items():
        graph.nodes[name]["op"] = _attending(op, part)
    for name in between:
        op = graph.nodes[name]["op"]
        assert isinstance(op, VectorOp)
        graph.nodes[name]["op"] = _element_wise(op, part)
    for name in between | {name for name in attention if _kind(graph, name) in CONTEXTS}:
        for maker in graph.pred[name]:
            edge = graph.edges[maker, name]
            edge["bytes"] = _of(edge["bytes"], part)
    for name in [name for name in graph if isinstance(graph.nodes[name]["op"], KvAppendOp)]:
        if not caches:
            graph.remove_node(name)
    return graph


def _of(amount: int, part: Range) -> int:
    """The part of ``amount``; those of consecutive parts add up to all."""
    start, end, whole = part
    return amount * end // whole - amount * start // whole


def _attending(op: AttentionOp, part: Range) -> AttentionOp:
    pairs, scores = _of(op.pairs, part), op.kind in SCORES
    return replace(
        op,
        context=_of(op.context, part),
        pairs=pairs,
        window=None if op.window is None else _of(op.window, part),
        flops=op.flops // op.pairs * pairs,
        kv_read_bytes=_of(op.kv_read_bytes, part),
        input_bytes=op.input_bytes if scores else _of(op.input_bytes, part),
        output_bytes=_of(op.output_bytes, part) if scores else op.output_bytes,
    )


def _element_wise(op: VectorOp, part: Range) -> VectorOp:
    elements = _of(op.elements, part)
    return replace(
        op,
        elements=elements,
        flops=op.flops // op.elements * elements,
        input_bytes=_of(op.input_bytes, part),
        output_bytes=_of(op.output_bytes, part),
    )


def _made(graph: nx.DiGraph[str]) -> dict[str, int]:
    """Ops that make keys and values of the tokens of a device -> their bytes."""
    expanded = {name: graph.nodes[name]["op"].output_bytes for name in graph if _kind(graph, name) in EXPANDED}
    if expanded:
        return expanded
    ops: list[tuple[str, Op]] = [(name, graph.nodes[name]["op"]) for name in graph]
    return {name: op.input_bytes for name, op in ops if isinstance(op, KvAppendOp)}


def _made_bytes(graph: nx.DiGraph[str]) -> int:
    return sum(_made(graph).values())


def _gathered(graph: nx.DiGraph[str], n_bytes: int, devices: int) -> nx.DiGraph[str]:
    """``graph`` with an all-gather of the ``n_bytes`` of keys and values that all devices make."""
    graph, made = graph.copy(), _made(graph)
    if not made:
        return graph
    layer = graph.nodes[next(iter(made))]["op"].layer
    name = f"{next(iter(made))}.allgather"
    graph.add_node(
        name,
        op=CollectiveOp(name=name, kind="allgather", layer=layer, n_bytes=n_bytes, endpoints=devices, devices=devices),
    )
    for maker in made:
        bring(graph, maker, [reader for reader in graph.succ[maker] if reader != name], name)
    return in_order(graph)
