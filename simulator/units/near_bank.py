"""Near-bank unit: multiply-accumulate lanes at every bank of a memory, driven by all-bank commands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

from simulator.errors import MappingError
from simulator.mapping.attention import CacheShape, append_bytes, append_program, context_gemv, score_gemv
from simulator.mapping.bank_array import ACTIVATE, READ_ACTIVATED, Addressing, BankArray, bank_array
from simulator.mapping.chain import Chain, joined
from simulator.mapping.gemv import Gemv, LoopOrder, gemv_chain, loop_orders, padded, weight_gemv
from simulator.units import hops
from simulator.units.base import (
    Component,
    OpUnit,
    PartSpec,
    PositiveInt,
    Process,
    Sharing,
    Surroundings,
    peer,
    unit_type,
)
from simulator.units.dram_engine import DramEngine
from simulator.units.formats import in_lanes
from simulator.units.memory import Memory
from simulator.units.storage import Booking
from simulator.workload.ops import AttentionOp, GroupedMatrixOp, KindsOf, KvAppendOp, MatrixOp, Op

Mapped = tuple[Chain, LoopOrder | None]
"""The programs of an op, and the loop order of its products if it has any."""

ACTIVATED_KIND = "ffn_gate"
"""The op whose sums may leave through the near-bank activation function."""


class NearBankSpec(PartSpec):
    """``element_bytes`` an operand; ``global_buffer_bytes`` of input vector a channel; ``accumulators`` sums a bank.

    ``buffer_addressing``: ``column`` when burst i of a row can only meet burst i of the buffer, else ``free``.
    ``activation``: ``near_bank`` reads the gate projection through the activation function in the banks.
    """

    kind: Literal["near_bank"]
    memory: str
    element_bytes: PositiveInt
    global_buffer_bytes: PositiveInt
    accumulators: PositiveInt
    buffer_addressing: Addressing
    activation: Literal["none", "near_bank"] = "none"


@unit_type("near_bank", NearBankSpec)
class NearBank(OpUnit):
    """Runs products with weights and with the KV cache, and the cache's writes, as command programs of its memory.

    An op ends when its last result has left the channel; the memory is free again when its rows are closed. The
    controller has a sequencer for each channel, so that vectors that differ between channels are sent at the same time.
    """

    kinds = KindsOf("matrix", "grouped_matrix", "attention", "cache")
    in_step = True
    spec: NearBankSpec
    memory: Memory

    def __init__(self, name: str, spec: NearBankSpec, around: Surroundings) -> None:
        super().__init__(name, spec, around)
        self.orders: dict[str, LoopOrder] = {}
        """Op kind -> the loop order of its latest product."""
        self._known: dict[Sharing, dict[tuple[object, ...], Mapped]] = {}

    def connect(self, components: Mapping[str, Component]) -> None:
        """Find the memory and check that it computes."""
        self.memory = peer(self, components, "memory", self.spec.memory, Memory)
        dram = self.memory.spec.dram
        self.clock_ps = dram.tCK_ps
        self._whole = bank_array(
            dram,
            self.memory.spec.channels,
            element_bytes=self.spec.element_bytes,
            buffer_bytes=self.spec.global_buffer_bytes,
            accumulators=self.spec.accumulators,
            addressing=self.spec.buffer_addressing,
        )
        lacking = [name for name in (ACTIVATE, READ_ACTIVATED) if name not in dram.commands]
        if self.spec.activation == "near_bank" and lacking:
            raise MappingError(
                f"{self.name}: {dram.name} has no near-bank activation function (lacks {', '.join(lacking)})"
            )

    @property
    def array(self) -> BankArray:
        """The banks of all channels that work now: those of the active stages where stages share the device."""
        sharing = self.around.sharing
        if sharing.groups == 1:
            return self._whole
        channels = self._whole.channels // sharing.groups * sharing.active
        if not channels:
            raise MappingError(f"{self.name}: {sharing.groups} stages cannot share {self._whole.channels} channels")
        return replace(self._whole, channels=channels)

    @property
    def _mapped(self) -> dict[tuple[object, ...], Mapped]:
        """Programs by what they run, kept with the engine of the memory for the next run."""
        found = self._known.get(self.around.sharing)
        if found is None:
            key = (self.spec.model_dump_json(), self.array, self.around.sharing)
            found = self._known[self.around.sharing] = self.memory.engine.memo.setdefault(key, {})
        return found

    def take(self, op: Op) -> Op:
        """Every element of the whole operand, as wide as the lanes."""
        return in_lanes(op, self.spec.element_bytes, self.around, self.name)

    def execute(self, op: Op) -> Process:
        """Book the op's program and wait for its results."""
        env = self.around.env
        booking = self.memory.run(self.chain(op), op)
        yield env.timeout(booking.end_ps - env.now_ps)
        self._report(op, booking)

    def _report(self, op: Op, booking: Booking) -> None:
        self.around.hooks.busy(self.name, booking.start_ps, booking.end_ps, op.name)
        self.around.limits.add(op.kind, self.memory.held_ps(booking.work))

    def chain(self, op: Op) -> Chain:
        """The programs of ``op``; for equal shapes the same ones."""
        key = op.shape_key
        found = self._mapped.get(key)
        if found is None:
            found = self._mapped[key] = self._map(op)
        chain, order = found
        if order:
            self.orders[op.kind] = order
        return chain

    def mapping(self, op: Op) -> Mapping[str, int | str]:
        """The loop order of its products."""
        if op.kind not in self.orders:
            self.chain(op)
        return {"loop_order": self.orders[op.kind]} if op.kind in self.orders else {}

    def _map(self, op: Op) -> Mapped:
        if isinstance(op, MatrixOp):
            self._check_elements(op, op.weight_bytes, op.out_features * op.in_features)
            return self.product(self.shape(op))
        if isinstance(op, GroupedMatrixOp):
            self._check_elements(op, op.weight_bytes, op.matrices * op.out_features * op.in_features)
            return self._grouped(op)
        if isinstance(op, AttentionOp):
            self._check_elements(op, op.kv_read_bytes, op.batch * op.n_kv_heads * op.context * op.head_dim)
            return self._attention(op)
        if isinstance(op, KvAppendOp):
            cache = CacheShape(op.batch * op.n_kv_heads, op.head_dim)
            self._check_elements(op, op.kv_write_bytes, 2 * cache.heads * cache.head_dim * op.new_tokens)
            program = append_program(self.memory.spec.dram, self.array, cache, op.position, op.new_tokens)
            return Chain(((program, 1),)), None
        raise MappingError(f"{op.name}: {self.name} cannot run a {type(op).__name__}")

    def shape(self, op: MatrixOp) -> Gemv:
        """The product with a weight matrix that lies over all channels, or one such for each stage that works."""
        activation = self.spec.activation == "near_bank" and op.kind == ACTIVATED_KIND
        stages = self.around.sharing.active
        share = replace(self.array, channels=self.array.channels // stages)
        one = weight_gemv(share, op.out_features, op.in_features, vectors=op.tokens // stages, activation=activation)
        return replace(one, instances=stages)

    def _grouped(self, op: GroupedMatrixOp) -> Mapped:
        """One product over all channels for each matrix, one after the other."""
        if self.around.sharing.active > 1:
            raise MappingError(f"{op.name}: stages of {self.name} that work in step would not choose the same experts")
        products = [
            (self.product(weight_gemv(self.array, op.out_features, op.in_features, vectors=vectors)), matrices)
            for vectors, matrices in op.loads
        ]
        return joined(chain for (chain, _), matrices in products for _ in range(matrices)), products[0][0][1]

    def _check_elements(self, op: Op, n_bytes: int, elements: int) -> None:
        if n_bytes != elements * self.spec.element_bytes:
            bits = 8 * n_bytes / elements
            raise MappingError(
                f"{op.name}: {bits:g}-bit data; the lanes of {self.name} take {8 * self.spec.element_bytes} bits"
            )

    def _attention(self, op: AttentionOp) -> Mapped:
        """One product for each length of the cache that a query position sees."""
        cache = CacheShape(op.batch * op.n_kv_heads, op.head_dim)
        shared = op.n_heads // op.n_kv_heads
        gemv = score_gemv if op.kind == "attn_score" else context_gemv
        products = [self.product(gemv(self.array, cache, context, shared)) for context in op.lengths()]
        if len(products) == 1:
            return products[0]
        return joined(chain for chain, _ in products), products[-1][1]

    def product(self, shape: Gemv) -> Mapped:
        """The fastest loop order for a shape, by simulation from one position in the refresh interval."""
        shape = padded(self.array, shape)
        key = ("product", shape)
        found = self._mapped.get(key)
        if found is None:
            found = self._mapped[key] = _fastest(self.memory.engine, self.array, shape)
        return found

    def estimate_ps(self, op: Op) -> int:
        """Its programs, each run once from one place in the refresh interval."""
        return self.memory.engine.to_ps(_cost(self.memory.engine, self.chain(self.tried(op))))

    def array_bytes(self, op: Op) -> Mapping[tuple[str, str], int]:
        """Operands of the products, padding included, and the bursts of cache writes."""
        memory, mac_bytes = self.memory.name, self.chain(op).mac_bytes
        written = 0
        if isinstance(op, KvAppendOp):
            written = append_bytes(
                self.array, CacheShape(op.batch * op.n_kv_heads, op.head_dim), op.position, op.new_tokens
            )
        return {(memory, hops.IO_TO_MAC): mac_bytes, (memory, hops.CELLS_TO_IO): mac_bytes + written}

    def operand_bytes(self, op: Op) -> int:
        """One operand of each multiply-add: nothing is kept at the lanes but sums."""
        return op.flops // 2 * self.spec.element_bytes

    def assumptions(self) -> tuple[str, ...]:
        """What the mapping takes for granted."""
        return (
            f"{self.name}: the controller sends every channel its own vector at the same time",
            f"{self.name}: each element of a cached value is one masked write; tokens that come together fill bursts",
            f"{self.name}: row numbers do not affect timing, so layers with equal shapes share programs (exact)",
        )


def _fastest(engine: DramEngine, array: BankArray, shape: Gemv) -> tuple[Chain, LoopOrder]:
    candidates = [(gemv_chain(engine.spec, array, shape, order), order) for order in loop_orders(array, shape)]
    if len(candidates) == 1:
        return candidates[0]
    return min(candidates, key=lambda candidate: _cost(engine, candidate[0]))


def _cost(engine: DramEngine, chain: Chain) -> int:
    """Ticks of a chain, each program run once and multiplied."""
    return sum(engine.program(program, 0).ticks * repeats for program, repeats in chain.parts)
