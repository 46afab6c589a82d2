"""Whether the operand of one op fits the memory of the unit that runs it."""

from __future__ import annotations

from simulator.mapping.layout import Cache, Caches, Demand, Tensor, layouts
from simulator.system.builder import System
from simulator.system.capacity import memory_of, stores
from simulator.units.base import OpUnit
from simulator.units.hbm_pim import HbmPim
from simulator.units.near_bank import NearBank
from simulator.workload.ops import AttentionOp, GroupedMatrixOp, KvAppendOp, LookupOp, MatrixOp, Op

NO_CACHE = Caches(())


def check_op_capacity(system: System, op: Op, unit: OpUnit) -> None:
    """Raise CapacityError that says what would fit when weights or cache of ``op`` are more than its memory holds."""
    demand = _demand(op, unit)
    if demand is not None:
        layouts.get(system.platform.layout)(demand, stores(system))


def _demand(op: Op, unit: OpUnit) -> Demand | None:
    """What ``op`` alone needs, of a cache keys and values; None when it keeps nothing in memory."""
    memory, op = memory_of(unit), unit.tried(op)
    if isinstance(op, AttentionOp | KvAppendOp):
        tokens = op.context if isinstance(op, AttentionOp) else op.position + op.new_tokens
        n_bytes = op.kv_read_bytes if isinstance(op, AttentionOp) else op.kv_write_bytes // 2
        bits = 8 * n_bytes / (op.batch * op.n_kv_heads * tokens * op.head_dim)
        kept = Cache(1, op.n_kv_heads, op.head_dim, bits, memory, tiled=isinstance(unit, NearBank))
        return Demand((), kept, op.batch, tokens)
    if isinstance(op, LookupOp):
        n_bytes = op.weight_bytes // op.tokens * op.table_rows
        return Demand((Tensor(op.name, op.table_rows, op.width, n_bytes, memory, tiled=False),), NO_CACHE, 1, 0)
    if isinstance(op, MatrixOp | GroupedMatrixOp):
        tiled = isinstance(unit, NearBank | HbmPim)
        weight = Tensor(op.name, op.out_features, op.in_features, op.weight_bytes, memory, tiled)
        return Demand((weight,), NO_CACHE, 1, 0)
    return None
