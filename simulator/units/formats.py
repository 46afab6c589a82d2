"""What units do with operands in formats that they lack: wider numbers, and zeros that they cannot leave out."""

from __future__ import annotations

from dataclasses import replace

from simulator.units.base import Surroundings
from simulator.workload.ops import AttentionOp, KvAppendOp, MatrixOp, Op, WeightedOp


def tell(around: Surroundings, unit: str, text: str) -> None:
    """Say in the result what ``unit`` does instead of what was asked."""
    around.notes[f"{unit}: {text}"] = None


def elements_of(op: Op) -> int:
    """Stored elements that an op reads or writes; 0 for one that has none."""
    if isinstance(op, WeightedOp):
        return op.matrices * op.out_features * op.in_features
    if isinstance(op, AttentionOp):
        return op.batch * op.n_kv_heads * op.context * op.head_dim
    if isinstance(op, KvAppendOp):
        return op.tensors * op.batch * op.n_kv_heads * op.head_dim * op.new_tokens
    return 0


def stored_bytes(op: Op) -> int:
    """Bytes of those elements."""
    return op.kv_write_bytes if isinstance(op, KvAppendOp) else op.weight_bytes + op.kv_read_bytes


def with_stored_bytes(op: Op, n_bytes: int) -> Op:
    """``op`` with its stored operand in so many bytes."""
    if isinstance(op, WeightedOp):
        return replace(op, weight_bytes=n_bytes)
    return replace(op, kv_write_bytes=n_bytes) if isinstance(op, KvAppendOp) else replace(op, kv_read_bytes=n_bytes)


def ungathered(op: Op) -> Op:
    """A product with the whole matrix, where only some rows or columns were asked for."""
    encoding = op.encoding
    if encoding is None or not encoding.gathered:
        return op
    outputs, inputs = encoding.full
    whole = replace(encoding, gathered=False)
    if isinstance(op, AttentionOp):
        return replace(
            op,
            encoding=whole,
            context=outputs,
            pairs=outputs * op.queries,
            kv_read_bytes=op.kv_read_bytes * outputs // op.context,
            flops=op.flops * outputs * op.queries // op.pairs,
        )
    assert isinstance(op, MatrixOp)
    return replace(
        op,
        encoding=whole,
        out_features=outputs,
        in_features=inputs,
        weight_bytes=whole.n_bytes(outputs, inputs),
        flops=2 * whole.kept(outputs, inputs) * op.tokens,
    )


def dense(op: Op) -> Op:
    """A product with zeros stored and multiplied like other elements."""
    encoding = op.encoding
    if not isinstance(op, WeightedOp) or encoding is None or encoding.pattern == "dense":
        return op
    n_bytes = op.matrices * encoding.dense.n_bytes(op.out_features, op.in_features)
    return replace(op, encoding=encoding.dense, weight_bytes=n_bytes, flops=_dense_flops(op))


def _dense_flops(op: WeightedOp) -> int:
    return 2 * op.out_features * op.in_features * op.vectors


def multiplied_dense(op: Op) -> Op:
    """A product whose weights stay packed in memory, with zeros multiplied like other elements."""
    assert isinstance(op, WeightedOp)
    return replace(op, flops=_dense_flops(op))


def in_lanes(op: Op, element_bytes: int, around: Surroundings, unit: str) -> Op:
    """``op`` for lanes at the banks that take every element, in ``element_bytes``: gathered and sparse operands whole.

    Elements that are wider stay as they are, for the unit to refuse.
    """
    if op.encoding is not None:
        if op.encoding.gathered:
            tell(around, unit, "its lanes work in step on whole matrices: rows that were not asked for are read too")
        if op.encoding.pattern != "dense":
            tell(around, unit, "its lanes take every element: sparse weights lie and are multiplied with their zeros")
        op = dense(ungathered(op))
    elements = elements_of(op)
    if elements and stored_bytes(op) < elements * element_bytes:
        what = "weights" if isinstance(op, WeightedOp) else "keys and values"
        tell(around, unit, f"its lanes take {8 * element_bytes} bits: narrower {what} lie in {8 * element_bytes} bits")
        op = with_stored_bytes(op, elements * element_bytes)
        if isinstance(op, KvAppendOp):
            op = replace(op, flops=0)
    return op if op.encoding is None else replace(op, encoding=None)
