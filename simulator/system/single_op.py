"""One op by itself, made from a kind and a shape."""

from __future__ import annotations

import networkx as nx

from simulator.config.nearest import hint
from simulator.errors import MappingError
from simulator.mapping.placement import ATTENTION, CACHE, MATRIX
from simulator.workload.collective import COLLECTIVE_KINDS, CollectiveOp
from simulator.workload.ops import OP_KINDS, AttentionOp, KvAppendOp, LookupOp, MatrixOp, Op, VectorOp

ELEMENT_BYTES = 2
"""Weights, activations and cached elements are FP16."""

GENERIC_PRODUCTS = {"gemm": "ffn_up", "gemv": "ffn_up"}
"""Names for any product with a weight matrix -> the kind that stands for it in the placement."""


def make_op(kind: str, outputs: int, inputs: int, batch: int, devices: int = 1) -> Op:
    """An op of ``kind`` on an ``outputs`` x ``inputs`` operand, for ``batch`` vectors.

    Products: a weight matrix. Attention: a cache of ``outputs`` tokens of one head of ``inputs`` elements for each of
    ``batch`` sequences; ``kv_append`` adds that many tokens. ``embedding``: a table. Collectives: the operand
    is the vector, among ``devices`` devices. Else ``outputs`` rows of
    ``inputs`` elements for each vector. Raises MappingError for an unknown kind or a size below 1.
    """
    if min(outputs, inputs, batch) < 1:
        raise MappingError(f"{kind} {outputs} x {inputs}, batch {batch}: each is a whole number of at least 1")
    name, kind = kind, GENERIC_PRODUCTS.get(kind, kind)
    size = outputs * inputs
    if kind in MATRIX:
        return MatrixOp(
            name=name, kind=kind, flops=2 * size * batch, weight_bytes=ELEMENT_BYTES * size, weight=name,
            input_bytes=ELEMENT_BYTES * inputs * batch, output_bytes=ELEMENT_BYTES * outputs * batch,
            out_features=outputs, in_features=inputs, tokens=batch,
        )  # fmt: skip
    if kind in ATTENTION:
        return AttentionOp(
            name=name, kind=kind, flops=2 * size * batch, kv_read_bytes=ELEMENT_BYTES * size * batch,
            n_heads=1, n_kv_heads=1, head_dim=inputs, batch=batch, queries=1, context=outputs, pairs=outputs,
        )  # fmt: skip
    if kind in CACHE:
        return KvAppendOp(
            name=name, kind=kind, kv_write_bytes=2 * ELEMENT_BYTES * size * batch,
            n_kv_heads=1, head_dim=inputs, batch=batch, new_tokens=outputs, position=0,
        )  # fmt: skip
    if kind == "embedding":
        return LookupOp(
            name=name, kind=kind, weight_bytes=ELEMENT_BYTES * inputs * batch,
            table_rows=outputs, width=inputs, tokens=batch, weight=name,
        )  # fmt: skip
    if kind in COLLECTIVE_KINDS:
        return CollectiveOp(
            name=name, kind=kind, n_bytes=ELEMENT_BYTES * size * batch, endpoints=devices, devices=devices
        )
    if kind not in OP_KINDS:
        known = [*GENERIC_PRODUCTS, *OP_KINDS.names()]
        raise MappingError(f"there is no op kind '{kind}' (known: {', '.join(known)}){hint(kind, known)}")
    flops = (OP_KINDS.get(kind).flops_per_element or 0) * size * batch
    return VectorOp(
        name=name, kind=kind, flops=flops, elements=size * batch, rows=outputs * batch,
        input_bytes=ELEMENT_BYTES * size * batch, output_bytes=ELEMENT_BYTES * size * batch,
    )  # fmt: skip


def single_op_graph(op: Op) -> nx.DiGraph[str]:
    """A step graph of one op."""
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_node(op.name, op=op)
    return graph
