"""Collectives: ops between equal devices."""

from __future__ import annotations

from dataclasses import dataclass

from simulator.workload.ops import Op, OpKind, register_kind

COLLECTIVES = (
    register_kind(OpKind("send", "a message from one device to the next")),
    register_kind(OpKind("broadcast", "a vector of one device to all")),
    register_kind(OpKind("scatter", "each device its part of one device's vector")),
    register_kind(OpKind("gather", "each device's part of a vector to one of them")),
    register_kind(OpKind("allgather", "each device's part of a vector to all")),
    register_kind(OpKind("reduce", "the sum of all devices' vectors to one of them")),
    register_kind(OpKind("reduce_scatter", "each device its part of the sum of all devices' vectors")),
    register_kind(OpKind("allreduce", "the sum of all devices' vectors to all")),
    register_kind(OpKind("alltoall", "each device a part of every other one's vector")),
)

COLLECTIVE_KINDS = frozenset(kind.name for kind in COLLECTIVES)


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectiveOp(Op):
    """``n_bytes`` of a vector among ``endpoints`` devices, of which ``devices`` count what they do.

    ``devices`` is 1 where one of a number of equal devices stands for a message of its own.
    """

    n_bytes: int
    endpoints: int
    devices: int
