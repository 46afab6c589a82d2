"""Near-bank units that work on one request a channel: attention, beside a processor's reads and writes (NeuPIMs)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np

from simulator.errors import MappingError
from simulator.mapping.chain import Chain, joined
from simulator.mapping.request_channels import (
    RequestAttention,
    assignments,
    channel_array,
    comp_bytes,
    load_estimate,
    loaded_bytes,
    request_program,
)
from simulator.units import hops
from simulator.units.base import (
    Component,
    OpUnit,
    PartSpec,
    PositiveInt,
    Process,
    Surroundings,
    peer,
    unit_type,
)
from simulator.units.formats import tell, ungathered
from simulator.units.memory import Memory
from simulator.workload.ops import AttentionOp, Op

BESIDE = (
    "while programs and streams both run, each goes on at the pace that a command-level run of one request's program "
    "beside a stream shows (with --exact, too)"
)


class ChannelGemvSpec(PartSpec):
    """``element_bytes`` an operand; ``requests``: how requests are assigned to channels.

    ``composite``: whether one command does the COMPs of a product and reads its sums, or each is a command.
    """

    kind: Literal["channel_gemv"]
    memory: str
    element_bytes: PositiveInt
    requests: str
    composite: bool


@unit_type("channel_gemv", ChannelGemvSpec)
class ChannelGemv(OpUnit):
    """Scores and context of requests with one new token, each in the channel that holds its keys and values."""

    kinds = frozenset({"attn_score", "attn_context"})
    spec: ChannelGemvSpec
    memory: Memory

    def __init__(self, name: str, spec: ChannelGemvSpec, around: Surroundings) -> None:
        super().__init__(name, spec, around)
        self._mapped: dict[tuple[object, ...], Chain] = {}

    def connect(self, components: Mapping[str, Component]) -> None:
        """Find the memory and check that it computes. Raises MappingError."""
        if self.spec.requests not in assignments:
            raise MappingError(f"{self.name}.requests: {assignments.unknown(self.spec.requests)}")
        self.memory = peer(self, components, "memory", self.spec.memory, Memory)
        dram = self.memory.spec.dram
        self.clock_ps = dram.tCK_ps
        self.array = channel_array(dram, self.spec.element_bytes, fused=self.spec.composite)
        self._mapped = self.memory.engine.memo.setdefault((self.spec.model_dump_json(), self.array), {})

    def accepts(self, op: Op) -> bool:
        """Whether each request has one new token; several would copy their vectors one by one."""
        return isinstance(op, AttentionOp) and op.queries == 1

    def take(self, op: Op) -> Op:
        """The whole cache, whichever of it was asked for."""
        if op.encoding is None or not op.encoding.gathered:
            return op
        tell(self.around, self.name, "its lanes work in step on whole caches: tokens not asked for are read too")
        return ungathered(op)

    def execute(self, op: Op) -> Process:
        """Book the programs of the busiest channel and wait for their results."""
        env = self.around.env
        booking = self.memory.run(self.chain(op), op)
        delays_ps = self.memory.delays_ps(programs=True)
        yield env.timeout(booking.end_ps - env.now_ps)
        yield from self.memory.catch_up(delays_ps, programs=True)
        self.around.hooks.busy(self.name, booking.start_ps, env.now_ps, op.name)
        self.around.limits.add(op.kind, self.memory.held_ps(booking.work))

    def chain(self, op: Op) -> Chain:
        """One program for each round of requests, on the channels that still have one."""
        found = self._mapped.get(op.shape_key)
        if found is None:
            found = self._mapped[op.shape_key] = self._map(self._attention(op), op)
        return found

    def _attention(self, op: Op) -> AttentionOp:
        if not isinstance(op, AttentionOp):
            raise MappingError(f"{op.name}: {self.name} cannot run a {type(op).__name__}")
        elements = op.batch * op.n_kv_heads * op.context * op.head_dim
        if op.kv_read_bytes != elements * self.spec.element_bytes:
            bits, lanes = 8 * op.kv_read_bytes / elements, 8 * self.spec.element_bytes
            raise MappingError(f"{op.name}: {bits:g}-bit data; the lanes of {self.name} take {lanes} bits")
        return op

    def _request(self, op: AttentionOp) -> RequestAttention:
        shared = op.n_heads // op.n_kv_heads
        return RequestAttention(op.kind == "attn_score", op.n_kv_heads, op.head_dim, shared, op.context)

    def _map(self, op: AttentionOp, named: Op) -> Chain:
        channels, request = self.memory.spec.channels, self._request(op)
        try:
            loads = [load_estimate(self.array, request)] * op.batch
            chosen = assignments.get(self.spec.requests)(loads, channels)
            of_channel = np.bincount(chosen, minlength=channels)
            rounds = [
                Chain(((request_program(self.memory.spec.dram, self.array, request, of_channel > round_), 1),))
                for round_ in range(int(of_channel.max()))
            ]
        except MappingError as error:
            raise MappingError(f"{named.name} on {self.name}: {error}") from None
        return joined(rounds)

    def array_bytes(self, op: Op) -> Mapping[tuple[str, str], int]:
        """Operands of the multipliers, padding included, and what is copied to global buffers."""
        attention = self._attention(op)
        request = self._request(attention)
        moved = attention.batch * (comp_bytes(self.array, request) + loaded_bytes(self.array, request))
        return {(self.memory.name, hops.IO_TO_MAC): moved, (self.memory.name, hops.CELLS_TO_IO): moved}

    def operand_bytes(self, op: Op) -> int:
        """One operand of each multiply-add."""
        return op.flops // 2 * self.spec.element_bytes

    def assumptions(self) -> tuple[str, ...]:
        """What the mapping takes for granted."""
        beside = self.memory.spec.dram.controller.near_bank == "concurrent"
        return (
            f"{self.name}: a request's keys and values lie in one channel, requests assigned by {self.spec.requests}",
            f"{self.name}: a vector lies in one row of its channel before it is copied to the global buffer",
            f"{self.name}: row numbers do not affect timing, so layers with equal shapes share programs",
            *([f"{self.name}: {BESIDE}"] if beside else []),
        )
