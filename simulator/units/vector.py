"""Vector unit: element-wise and row-wise ops on a number of lanes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal

from simulator.config.base_schema import Spec
from simulator.errors import MappingError
from simulator.units import hops, limits
from simulator.units.base import (
    Component,
    NonNegative,
    OpUnit,
    PartSpec,
    Positive,
    PositiveInt,
    Process,
    Surroundings,
    cycles_ps,
    peer,
    unit_type,
)
from simulator.units.near_bank import NearBank
from simulator.units.processors.stack import Stack
from simulator.units.storage import Storage
from simulator.workload.ops import OP_KINDS, KvAppendOp, LookupOp, Op, VectorOp

LANE_OP = "lane_op"
"""Action: one floating-point operation in a lane."""


class VectorCost(Spec):
    """Of one op kind: ``cycles_per_element`` in a lane, and ``cycles_per_row`` for what is done once a row.

    ``activated_cycles_per_element``: instead, where near-bank units have already applied the activation function.
    """

    cycles_per_element: NonNegative
    activated_cycles_per_element: NonNegative | None = None
    cycles_per_row: NonNegative
    source: str


class VectorSpec(PartSpec):
    """``lanes`` lanes at ``clock_mhz``; ``costs`` by op kind.

    ``memory``: where weights and the KV cache are streamed from and to. ``start_cycles``: from the start of an op
    to the first element out of the pipeline. ``stack``: what launches the ops, if anything has to.
    """

    kind: Literal["vector"]
    memory: str
    lanes: PositiveInt
    clock_mhz: Positive
    start_cycles: NonNegative
    costs: dict[str, VectorCost]
    stack: str | None = None
    energy_pj_per_flop: NonNegative
    static_power_w: NonNegative


@unit_type("vector", VectorSpec)
class Vector(OpUnit):
    """Runs the op kinds that ``costs`` lists; gathers table rows and writes the KV cache as streams of its memory.

    Time is the longer of lanes and stream: ``start + ceil(elements / lanes) x cycles_per_element + rows x
    cycles_per_row`` cycles.
    """

    in_step = True
    spec: VectorSpec
    memory: Storage

    def __init__(self, name: str, spec: VectorSpec, around: Surroundings) -> None:
        super().__init__(name, spec, around)
        self.clock_ps = 1e6 / spec.clock_mhz
        self._activated = False
        self._likened: dict[str, str] = {}

    def connect(self, components: Mapping[str, Component]) -> None:
        """Find the memory, and whether near-bank units apply the activation function."""
        self.memory = peer(self, components, "memory", self.spec.memory, Storage)  # type: ignore[type-abstract]
        self._stack = peer(self, components, "stack", self.spec.stack, Stack) if self.spec.stack else None
        self._activated = any(isinstance(c, NearBank) and c.spec.activation == "near_bank" for c in components.values())

    def supports(self, kind: str) -> bool:
        """Whether ``costs`` has ``kind``, or one like it."""
        return self._cost(kind) is not None

    def _cost(self, kind: str) -> VectorCost | None:
        """The cost of ``kind``; where ``costs`` lacks it, that of one like it, in proportion to their operations."""
        found = self.spec.costs.get(kind)
        if found is not None or kind not in OP_KINDS:
            return found
        known = OP_KINDS.get(kind)
        other = self.spec.costs.get(known.like or "")
        if other is None or known.like is None:
            return None
        scale = (known.flops_per_element or 1) / (OP_KINDS.get(known.like).flops_per_element or 1)
        return other.model_copy(update={"cycles_per_element": scale * other.cycles_per_element})

    def execute(self, op: Op) -> Process:
        """Lanes and stream side by side."""
        env, hooks = self.around.env, self.around.hooks
        wait_ps = self._stack.gaps_ps(op.kind) + self._stack.between_ps(op) if self._stack is not None else 0
        if wait_ps:
            yield env.timeout(wait_ps)
        start_ps = env.now_ps
        lanes_ps = cycles_ps(self.cycles(op), self.spec.clock_mhz)
        read = op.weight_bytes + op.kv_read_bytes
        end_ps = start_ps + lanes_ps
        held: Mapping[str, int] = {limits.LANES: lanes_ps}
        for n_bytes, write in ((read, False), (op.kv_write_bytes, True)):
            if n_bytes:
                booking = self.memory.stream(n_bytes, op, write=write)
                if booking.end_ps > end_ps:
                    end_ps = booking.end_ps
                    held = self.memory.held_ps(booking.work)
        delays_ps = self.memory.delays_ps()
        yield env.timeout(end_ps - start_ps)
        if read or op.kv_write_bytes:
            yield from self.memory.catch_up(delays_ps)
        hooks.busy(self.name, start_ps, start_ps + lanes_ps, op.name)
        if op.flops:
            hooks.activity(self.name, LANE_OP, op.flops, op.kind)
        self.around.limits.add(op.kind, held if end_ps - start_ps >= wait_ps else {limits.HOST: wait_ps})

    def array_bytes(self, op: Op) -> Mapping[tuple[str, str], int]:
        """Whole bursts of what it reads and of what it writes."""
        read, written = (self.memory.burst_bytes(n) for n in (op.weight_bytes + op.kv_read_bytes, op.kv_write_bytes))
        return {(self.memory.name, hops.CELLS_TO_IO): read + written}

    def cycles(self, op: Op) -> int:
        """Lane cycles of an op. Raises MappingError for one without elements."""
        if isinstance(op, VectorOp):
            elements, rows = op.elements, op.rows
        elif isinstance(op, LookupOp):
            elements, rows = op.width * op.tokens, op.tokens
        elif isinstance(op, KvAppendOp):
            elements, rows = 2 * op.batch * op.n_kv_heads * op.head_dim * op.new_tokens, 2 * op.batch * op.n_kv_heads
        else:
            raise MappingError(f"{op.name}: {self.name} cannot run a {type(op).__name__}")
        cost = self._cost(op.kind)
        if cost is None:
            raise MappingError(f"{op.name}: {self.name} has no cost for {op.kind}")
        if op.kind not in self.spec.costs:
            self._likened[op.kind] = OP_KINDS.get(op.kind).like or ""
        per_element = cost.cycles_per_element
        if self._activated and cost.activated_cycles_per_element is not None:
            per_element = cost.activated_cycles_per_element
        steps = -(-elements // self.spec.lanes)
        return math.ceil(self.spec.start_cycles + steps * per_element + rows * cost.cycles_per_row)

    def energy_table(self) -> Mapping[str, Mapping[str, float]]:
        """Energy of one operation in a lane."""
        return {LANE_OP: {"compute": self.spec.energy_pj_per_flop}}

    def assumptions(self) -> tuple[str, ...]:
        """Costs taken over from other kinds of op."""
        return tuple(
            f"{self.name}: an element of {kind} costs what one of {other} does, in proportion to their operations"
            for kind, other in sorted(self._likened.items())
        )
