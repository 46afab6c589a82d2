"""GEMV unit: decode attention at the banks, the bank groups or the buffer die of HBM, with a softmax unit beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from simulator.errors import MappingError
from simulator.mapping.attacc.attention import (
    Heads,
    append_bytes,
    append_program,
    attention_program,
    cache_rows,
    mac_bytes,
)
from simulator.mapping.attacc.levels import GemvArray, Level, gemv_array
from simulator.mapping.chain import Chain
from simulator.units import hops
from simulator.units.base import Component, OpUnit, PartSpec, PositiveInt, Process, Surroundings, peer, unit_type
from simulator.units.formats import in_lanes
from simulator.units.memory import Memory
from simulator.workload.ops import ATTN_CONTEXT, ATTN_SCORE, KV_APPEND, SOFTMAX, AttentionOp, KvAppendOp, Op

KINDS = frozenset({ATTN_SCORE.name, SOFTMAX.name, ATTN_CONTEXT.name, KV_APPEND.name})


class GemvUnitSpec(PartSpec):
    """``level``: where the units are. ``element_bytes`` an operand, of a column of the memory at a time."""

    kind: Literal["gemv_unit"]
    memory: str
    level: Level
    element_bytes: PositiveInt


@unit_type("gemv_unit", GemvUnitSpec)
class GemvUnit(OpUnit):
    """Runs attention of one query a sequence as one program: scores, softmax and context overlap (`attention_program`).

    The program runs with the scores, when query, key and value are there; softmax and context then take no time of
    their own. Keys and values of a decode step are written where they belong, those of a prompt as a plain stream.
    """

    kinds = KINDS
    spec: GemvUnitSpec
    memory: Memory
    array: GemvArray

    def __init__(self, name: str, spec: GemvUnitSpec, around: Surroundings) -> None:
        super().__init__(name, spec, around)
        self._mapped: dict[tuple[object, ...], Chain] = {}

    def connect(self, components: Mapping[str, Component]) -> None:
        """Find the memory and check that it computes at this level."""
        self.memory = peer(self, components, "memory", self.spec.memory, Memory)
        dram = self.memory.spec.dram
        self.clock_ps = dram.tCK_ps
        self.array = gemv_array(dram, self.memory.spec.channels, self.spec.level, self.spec.element_bytes)
        self._mapped = self.memory.engine.memo.setdefault((self.spec.model_dump_json(), self.array), {})

    def accepts(self, op: Op) -> bool:
        """Attention of one query a sequence."""
        return not isinstance(op, AttentionOp) or op.queries == 1

    def expect(self, ops: Sequence[Op]) -> None:
        """Attention comes whole. Raises MappingError when its parts are placed apart."""
        whole = KINDS - {KV_APPEND.name}
        kinds = {op.kind for op in ops} & whole
        if kinds and kinds != whole:
            raise MappingError(
                f"{self.name}: it runs scores, softmax and context together, not {', '.join(sorted(kinds))} alone"
            )
        parts = [sum(op.kind == kind for op in ops) for kind in (ATTN_SCORE.name, ATTN_CONTEXT.name)]
        if parts[0] != parts[1]:
            raise MappingError(f"{self.name}: it runs a whole attention at once and cannot choose pages before")

    def take(self, op: Op) -> Op:
        """Every element of the whole operand, as wide as the units' lanes."""
        return in_lanes(op, self.spec.element_bytes, self.around, self.name)

    def execute(self, op: Op) -> Process:
        """The whole attention with its scores; a cache write by itself."""
        env = self.around.env
        if isinstance(op, KvAppendOp) and op.new_tokens > 1:
            booking = self.memory.stream(op.kv_write_bytes, op, write=True)
        elif op.kind in (ATTN_SCORE.name, KV_APPEND.name):
            booking = self.memory.run(self.chain(op), op)
        else:
            return
        yield env.timeout(booking.end_ps - env.now_ps)
        self.around.hooks.busy(self.name, booking.start_ps, booking.end_ps, op.name)
        self.around.limits.add(op.kind, self.memory.held_ps(booking.work))

    def chain(self, op: Op) -> Chain:
        """The program of ``op``; for equal shapes the same one."""
        key = op.shape_key
        found = self._mapped.get(key)
        if found is None:
            found = self._mapped[key] = self._map(op)
        return found

    def _map(self, op: Op) -> Chain:
        dram, heads = self.memory.spec.dram, self._heads(op)
        if isinstance(op, KvAppendOp):
            return Chain(((append_program(dram, self.array, heads), 1),))
        return Chain(((attention_program(dram, self.array, heads), 1),), 2 * mac_bytes(self.array, heads))

    def _heads(self, op: Op) -> Heads:
        """The cached heads of all sequences. Raises MappingError for elements that the units do not take."""
        if isinstance(op, KvAppendOp):
            heads, n_bytes = op.batch * op.n_kv_heads, op.kv_write_bytes
            elements = 2 * heads * op.head_dim * op.new_tokens
            found = Heads(heads, 1, op.head_dim, op.position + op.new_tokens)
        elif isinstance(op, AttentionOp):
            heads, n_bytes = op.batch * op.n_kv_heads, op.kv_read_bytes
            elements = heads * op.head_dim * op.context
            found = Heads(heads, op.n_heads // op.n_kv_heads, op.head_dim, op.context)
        else:
            raise MappingError(f"{op.name}: {self.name} cannot run a {type(op).__name__}")
        if n_bytes != elements * self.spec.element_bytes:
            bits, taken = 8 * n_bytes / elements, 8 * self.spec.element_bytes
            raise MappingError(f"{op.name}: {bits:g}-bit data; the units of {self.name} take {taken} bits")
        return found

    def cache_rows(self, heads: int, head_dim: int, tokens: int) -> int:
        """Rows of each bank that keys and values of ``heads`` cached heads of one layer take."""
        return cache_rows(self.array, heads, head_dim, tokens)

    def array_bytes(self, op: Op) -> Mapping[tuple[str, str], int]:
        """Operands of the MACs, padding included, and the bursts of cache writes."""
        memory = self.memory.name
        if isinstance(op, KvAppendOp):
            burst = self.memory.spec.dram.organization.burst_bytes
            whole = self.memory.burst_bytes(op.kv_write_bytes)
            written = append_bytes(self.array, self._heads(op), burst) if op.new_tokens == 1 else whole
            return {(memory, hops.CELLS_TO_IO): written}
        if not isinstance(op, AttentionOp):
            return {}
        read = mac_bytes(self.array, self._heads(op))
        return {(memory, hops.IO_TO_MAC): read, (memory, hops.CELLS_TO_IO): read}

    def operand_bytes(self, op: Op) -> int:
        """A key's or a value's element of each multiply-add."""
        return op.flops // 2 * self.spec.element_bytes if isinstance(op, AttentionOp) else 0

    def assumptions(self) -> tuple[str, ...]:
        """What the mapping takes for granted."""
        return (
            f"{self.name}: the time of scores, softmax and context together is that of attn_score",
            f"{self.name}: one head a channel at a time; query heads of one cached head read it one after the other",
            f"{self.name}: keys and values of a prompt are written as a plain stream",
            f"{self.name}: row numbers do not affect timing, so layers with equal shapes share programs (exact)",
        )
