"""Transfers: ops that move stored data from one memory to another, as `Op` bytes of what they move."""

from __future__ import annotations

from dataclasses import dataclass

from simulator.workload.ops import Op, OpKind, register_kind

FETCH = register_kind(OpKind("fetch", "weights or cached tokens from a far memory to the one that units read"))
STORE = register_kind(OpKind("store", "cached tokens to a far memory"))


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferOp(Op):
    """Moves ``weight_bytes`` or ``kv_read_bytes`` in, or ``kv_write_bytes`` out."""
