"""Processor: cores under a software stack that run every op of a model, fed by streams of one memory."""

from __future__ import annotations

from abc import abstractmethod
from collections import Counter
from collections.abc import Mapping
from math import log, sqrt
from typing import ClassVar

from simulator.errors import MappingError
from simulator.units import hops, limits
from simulator.units.base import (
    Component,
    OpUnit,
    Process,
    Surroundings,
    peer,
)
from simulator.units.formats import tell
from simulator.units.mac_energy import MacPrices
from simulator.units.memory import Memory
from simulator.units.processors.demand import Arithmetic, Demand
from simulator.units.processors.description import ProcessorSpec, SparseWeights
from simulator.units.processors.pace import Paced, Streamed, paced
from simulator.units.processors.power_limit import Load, clock_under, total_pj
from simulator.units.processors.shapes import Product, activation_bytes, elements_of, product_of
from simulator.units.processors.stack import Stack
from simulator.units.sparsity import support_of, take_sparse
from simulator.workload.encoding import WHOLE_BITS, Encoding
from simulator.workload.ops import OP_KINDS, SAMPLING, AttentionOp, LookupOp, Op, ProductOp, WeightedOp

LANE_OP = "lane_op"
CACHE_BYTE = "cache_byte"
ROW_ELEMENTS = 1024
"""Elements of an op that one core takes at least, however few its rows."""
FULL = (1.0, 1.0)
"""Clock and voltage over the full ones, without a power limit that acts."""
ACTIVE = "active_ns"
"""Action: one ns in which a kernel runs."""


class Processor(OpUnit):
    """Runs ops one after the other, as the kernels of one queue.

    A kernel starts when its inputs are there and the host has issued it. Its stream, its cache traffic and its
    arithmetic run side by side, so that it takes the longest of them, plus the latency of the first data. Its stream
    is the memory's own, or slower where the cores cannot keep enough bytes requested (Little's law).
    """

    kinds = frozenset(OP_KINDS.names())
    spec: ProcessorSpec
    memory: Memory
    stack: Stack

    def __init__(self, name: str, spec: ProcessorSpec, around: Surroundings) -> None:
        super().__init__(name, spec, around)
        self.clock_ps = 1e6 / spec.clock_mhz
        self._host_ps = 0
        self._least_clock = 1.0
        self._demands: dict[tuple[object, ...], Demand] = {}
        self._macs = MacPrices(self, spec.energy_pj_per_mac, map(int, spec.macs_per_clock))

    def connect(self, components: Mapping[str, Component]) -> None:
        """Find memory and stack."""
        self.memory = peer(self, components, "memory", self.spec.memory, Memory)
        self.stack = peer(self, components, "stack", self.spec.stack, Stack)

    def supports(self, kind: str) -> bool:
        """All kinds, those of plug-ins included."""
        return kind in OP_KINDS

    @property
    def flops_per_s(self) -> float:
        """Peak rate of the multiply-adds at their narrowest width, and of the lanes, whichever is more."""
        per_clock = max(*self.spec.macs_per_clock.values(), self.spec.lanes)
        return 2e6 * self.spec.cores * self.spec.clock_mhz * per_clock

    @property
    def flops_per_s_by_bits(self) -> dict[str, float]:
        """Peak rate of the multiply-adds by the width of their operands in bits."""
        per_clock = 2e6 * self.spec.cores * self.spec.clock_mhz
        return {str(bits): per_clock * rate for bits, rate in self.spec.macs_per_clock.items()}

    def mac_rate(self, op: ProductOp, product: Product) -> float:
        """Stored elements that one core's multiply-adds meet a clock, in a kernel's main loop.

        Raises MappingError where no width takes both operands.
        """
        width = self.math_width(op, product)
        slowed = product.kept * self.imbalance(op)
        return self.spec.macs_per_clock[str(width)] * self.stack.spec.math_efficiency / slowed

    def imbalance(self, op: ProductOp) -> float:
        """Work of the busiest core over the mean, where only the kept ones of unstructured weights are multiplied.

        Of w cores with n elements each, kept with probability d, the expected largest number of a normal distribution.
        """
        encoding = op.encoding
        if not isinstance(op, WeightedOp) or encoding is None or encoding.pattern != "unstructured" or self.workers < 2:
            return 1.0
        _, support = self.sparse(encoding)
        if support is None or support.macs == "dense":
            return 1.0
        density, each = float(encoding.density), op.matrices * op.out_features * op.in_features / self.workers
        return 1 + sqrt(2 * log(self.workers) * (1 - density) / (density * each))

    def math_width(self, op: Op, product: Product) -> int:
        """The least width of multiply-adds that takes both operands. Raises MappingError where none does."""
        widths = [int(bits) for bits in self.spec.macs_per_clock]
        narrow = product.number in self.spec.narrow
        usable = [width for width in widths if width >= product.math_bits and (narrow or width >= WHOLE_BITS)]
        if not usable:
            raise MappingError(f"{op.name}: {product.math_bits}-bit operands; {self.name} takes {max(widths)} bits")
        return min(usable)

    def take(self, op: Op) -> Op:
        """Sparse weights as the unit can use them; formats that it lacks are told."""
        if op.encoding is None or not isinstance(op, WeightedOp):
            return op
        op = take_sparse(op, self.spec.sparse, self.around, self.name)
        assert isinstance(op, WeightedOp)
        product = product_of(op)
        width = self.math_width(op, product)
        if width > product.math_bits:
            asked = f"{product.number}{product.math_bits}"
            tell(self.around, self.name, f"it has no {asked} multiply-adds: both operands are widened to {width} bits")
        if op.encoding is not None and op.encoding.lookup and not self.looks_up:
            tell(self.around, self.name, "it has no products by table look-up: weights are widened")
        return op

    looks_up: ClassVar[bool] = False
    """Whether it has kernels that look up sums of the moving operand."""

    def sparse(self, encoding: Encoding) -> tuple[str, SparseWeights | None]:
        """(what messages call the pattern, what the unit makes of it)."""
        return support_of(encoding, self.spec.sparse)

    def unpack_ops(self, op: Op) -> float:
        """Lane operations that put the packed weights of a sparse product in their places."""
        encoding = op.encoding
        if encoding is None or encoding.pattern == "dense" or not isinstance(op, WeightedOp):
            return 0.0
        _, support = self.sparse(encoding)
        return support.ops_per_kept * op.matrices * encoding.kept(op.out_features, op.in_features) if support else 0.0

    @abstractmethod
    def product(self, op: ProductOp) -> Arithmetic:
        """How a product runs."""

    def mapping(self, op: Op) -> Mapping[str, int | str]:
        """The mapper's choices for ``op``; nothing for one that has none."""
        return self.demand(op).mapping

    def demand(self, op: Op) -> Demand:
        """What ``op`` asks of this processor."""
        found = self._demands.get(op.shape_key)
        if found is None:
            found = self._demands[op.shape_key] = self._demand(op)
        return found

    def _demand(self, op: Op) -> Demand:
        read, written = (0, 0) if op.fused else activation_bytes(op, flash=self.stack.spec.flash_attention)
        spilled = read + written > self.spec.cache_bytes
        stored = op.weight_bytes + op.kv_read_bytes
        from_dram = stored + (read if spilled else 0)
        to_dram = op.kv_write_bytes + (written if spilled else 0)
        if isinstance(op, ProductOp):
            found = self.product(op)
            from_dram = found.stored_bytes + (max(read, found.moving_bytes) if spilled else 0)
            cached = max(found.fetched_bytes, stored) + written
            return Demand(
                from_dram, to_dram, cached, found.compute_ps, found.workers, limits.COMPUTE, found.macs, found.mapping
            )
        elements, rows = elements_of(op)
        workers = min(self.workers, max(rows, -(-elements // ROW_ELEMENTS)))
        compute_ps = self.clocks_ps(self.lane_ops(op) / (workers * self.spec.lanes))
        if op.kind == SAMPLING.name:
            compute_ps += self.stack.choice_ps(elements)
        return Demand(from_dram, to_dram, stored + read + written, compute_ps, workers, limits.LANES)

    @property
    def workers(self) -> int:
        """Cores that take part in an op with enough work."""
        return self.spec.cores

    def clocks_ps(self, clocks: float) -> int:
        """Time of so many clocks in ps, rounded up."""
        return -int(-clocks * 1_000_000 // self.spec.clock_mhz)

    def execute(self, op: Op) -> Process:
        """Host and gap, then stream, cache and arithmetic side by side."""
        env, hooks = self.around.env, self.around.hooks
        issued_ps = env.now_ps
        wait_ps = self._wait_ps(op)
        if wait_ps:
            yield env.timeout(wait_ps)
        start_ps = env.now_ps
        demand = self.demand(op)
        found = self._pace(op, demand, self._stream(op, demand))
        if found.took_ps:
            yield env.timeout(found.took_ps)
        hooks.busy(self.name, start_ps, env.now_ps, op.name)
        self._count(op, demand, found)
        held = found.held if wait_ps <= found.took_ps else {limits.HOST: env.now_ps - issued_ps}
        self.around.limits.add(op.kind, held)

    def _pace(self, op: Op, demand: Demand, streamed: Streamed) -> Paced:
        """How long arithmetic, cache and stream take side by side, at the clock that the power limit leaves."""
        cache_ps = self._cache_ps(demand)
        after_ps = round(1000 * self.latency_ns) if self._kernels(op) else 0
        limit = self.spec.power_limit
        found = paced(demand, cache_ps, streamed, after_ps, FULL)
        if limit is None or not self.around.sustained or not found.took_ps:
            return found
        load = Load(
            core_ps=max(demand.compute_ps, cache_ps),
            other_ps=streamed.took_ps,
            after_ps=after_ps,
            core_pj=total_pj(self.energy_table(), self._actions(op, demand)),
            other_pj=total_pj(self.memory.energy_table(), streamed.commands),
            clocked_w=self.spec.active_power_w,
            other_w=self.spec.static_power_w + sum(self.memory.static_power_w().values()),
        )
        clock = clock_under(limit, load)
        self._least_clock = min(self._least_clock, clock)
        return paced(demand, cache_ps, streamed, after_ps, (clock, limit.voltage(clock)))

    def estimate_ps(self, op: Op) -> int:
        """A kernel that waits for nothing, its stream at the peak of the pins or as fast as it is requested."""
        op = self.tried(op)
        demand = self.demand(op)
        stream_ps = round((demand.read_bytes + demand.write_bytes) / self.memory.pin_bytes_per_s * 1e12)
        paced_ps = self._requested_ps(op, demand.read_bytes, demand.workers)
        busy_ps = max(demand.compute_ps, self._cache_ps(demand), stream_ps, paced_ps)
        kernels = self._kernels(op)
        return busy_ps + round(
            1000 * (kernels * self.stack.spec.kernel_gap_ns + bool(kernels) * self.spec.memory_latency_ns)
        )

    def _wait_ps(self, op: Op) -> int:
        """From now to the first request of the op's last kernel: the host's lead used up, and gaps between kernels.

        The host starts to issue a step with its embedding, and works on the batch before its sampling.
        """
        now_ps = self.around.env.now_ps
        if isinstance(op, LookupOp):
            self._host_ps = now_ps
        if not self._kernels(op):
            return 0
        self._host_ps += self.stack.issue_ps(op.kind)
        return max(self.stack.gaps_ps(op.kind), self._host_ps - now_ps) + self.stack.between_ps(op)

    def issue_wait_ps(self, kind: str) -> int:
        """From now until the host has issued a kernel of ``kind`` that runs beside the cores, such as a collective."""
        self._host_ps += self.stack.issue_ps(kind)
        return max(0, self._host_ps - self.around.env.now_ps)

    def kept_active(self, took_ps: int, kind: str) -> None:
        """Cores ran for ``took_ps``, up to now, in a kernel of ``kind`` that is not this processor's own op."""
        self.around.hooks.activity(self.name, ACTIVE, took_ps // 1000, kind)

    def _kernels(self, op: Op) -> int:
        return 0 if op.fused else self.stack.kernels(op.kind)

    def _cache_ps(self, demand: Demand) -> int:
        share = demand.workers / self.spec.cores
        return self.clocks_ps(demand.cache_bytes / (self.spec.cache_bytes_per_clock * share))

    def _stream(self, op: Op, demand: Demand) -> Streamed:
        """The DRAM traffic, requested from now on."""
        now_ps = end_ps = self.around.env.now_ps
        longest_ps = 0
        held: Mapping[str, int] = {limits.PINS: 0}
        commands: Counter[str] = Counter()
        for n_bytes, write in ((demand.read_bytes, False), (demand.write_bytes, True)):
            if not n_bytes:
                continue
            start, stream = self.memory.look_up(n_bytes, write=write)
            begin_ps = self.memory.engine.to_ps(start)
            alone_ps = self.memory.engine.to_ps(start + stream.work.end_ticks) - begin_ps
            paces = {} if write else self.paces_ps(op, n_bytes, demand.workers, alone_ps)
            paced_ps = max(paces.values(), default=0)
            booking = self.memory.book(start, stream, begin_ps + paced_ps, op)
            commands.update(booking.work.commands)
            end_ps = max(end_ps, booking.end_ps, begin_ps + paced_ps)
            engine_ps = booking.end_ps - begin_ps
            if max(engine_ps, paced_ps) < longest_ps:
                continue
            longest_ps = max(engine_ps, paced_ps)
            slowest = {resource: ps for resource, ps in paces.items() if ps == paced_ps}
            held = slowest if paced_ps > engine_ps else self.memory.held_ps(booking.work)
        return Streamed(end_ps - now_ps, held, commands)

    def paces_ps(self, op: Op, n_bytes: int, workers: int, alone_ps: int) -> dict[str, int]:
        """Resource -> least time of reading ``n_bytes``, which take the memory by itself ``alone_ps``."""
        del alone_ps
        return {limits.REQUESTS: self._requested_ps(op, n_bytes, workers)}

    @property
    def latency_ns(self) -> float:
        """From a core's request to its data, memory idle, over all of its bytes."""
        return self.spec.memory_latency_ns

    def _requested_ps(self, op: Op, n_bytes: int, workers: int) -> int:
        """Time in which ``workers`` cores can request ``n_bytes``: bytes in flight over latency."""
        each = self.in_flight_bytes(op)
        if each is None or not self.latency_ns:
            return 0
        return round(n_bytes * 1000 * self.latency_ns / (workers * each))

    def in_flight_bytes(self, op: Op) -> float | None:
        """Bytes that one core keeps requested of the memory; None where nothing limits them."""
        if isinstance(op, ProductOp) and not isinstance(op, AttentionOp):
            return self.stack.in_flight(f"products_{int(product_of(op).stored_bits)}", "products")
        return self.stack.in_flight(op.kind)

    def lane_ops(self, op: Op) -> float:
        """Operations that ``op`` takes in the lanes."""
        return 0.0 if isinstance(op, ProductOp) else self.stack.lane_ops(op, *elements_of(op))

    def _actions(self, op: Op, demand: Demand) -> dict[str, float]:
        """What an op makes the cores do, by action."""
        return {**self._multiplied(op, demand), LANE_OP: round(self.lane_ops(op)), CACHE_BYTE: demand.cache_bytes}

    def _count(self, op: Op, demand: Demand, found: Paced) -> None:
        """Tell the op's actions, of which a lower voltage makes as many as cost the same at the full one."""
        hooks, squared = self.around.hooks, found.voltage**2
        actions = {**self._actions(op, demand), ACTIVE: found.clock * (found.took_ps // 1000)}
        for name, n in actions.items():
            if n:
                hooks.activity(self.name, name, round(n * squared), op.kind)
        now_ps = self.around.env.now_ps
        hooks.transfer(now_ps - found.took_ps, now_ps, hops.SRAM, demand.cache_bytes, self.name)

    def _multiplied(self, op: Op, demand: Demand) -> dict[str, float]:
        """The multiply-adds that run, by action."""
        if not isinstance(op, ProductOp):
            return {}
        product = product_of(op)
        return {self._macs.action(self.math_width(op, product), product.number): demand.macs}

    def array_bytes(self, op: Op) -> Mapping[tuple[str, str], int]:
        """Whole bursts of what it reads and of what it writes."""
        demand = self.demand(op)
        whole = self.memory.burst_bytes
        return {(self.memory.name, hops.CELLS_TO_IO): whole(demand.read_bytes) + whole(demand.write_bytes)}

    def energy_table(self) -> Mapping[str, Mapping[str, float]]:
        """Energy of arithmetic, cache traffic and running cores."""
        spec = self.spec
        return {
            **self._macs.table,
            LANE_OP: {"compute": spec.energy_pj_per_lane_op},
            CACHE_BYTE: {"sram": spec.energy_pj_per_cache_byte},
            ACTIVE: {"compute": 1000 * spec.active_power_w},
        }

    def assumptions(self) -> tuple[str, ...]:
        """What the model leaves out."""
        share = f"{self._least_clock:.0%}"
        slowed = f"{self.name}: each kernel keeps the board's power limit by itself; the clock fell to {share} for it"
        return (
            *([slowed] if self._least_clock < 1 else ()),
            f"{self.name}: activations that fit the last-level cache never reach the memory; larger ones always do",
            f"{self.name}: tiles that run at the same time read what they share of an operand once",
        )
