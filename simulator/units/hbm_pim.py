"""HBM-PIM unit: programmable SIMD units between pairs of banks, stepped by the column commands of an ordinary host."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from simulator.config.base_schema import Spec
from simulator.errors import MappingError
from simulator.mapping.chain import Chain
from simulator.mapping.hbm_pim import Ordering, Padding, PimArray, pim_array
from simulator.mapping.hbm_pim_kernels import PimWork, Product, elementwise, gemv
from simulator.mapping.microkernel import Microkernel
from simulator.mapping.placement import MATRIX
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
from simulator.units.dram_stream import StreamShape
from simulator.units.formats import in_lanes
from simulator.units.memory import Memory
from simulator.workload.ops import MatrixOp, Op, VectorOp

CRF_INSTRUCTIONS = 32
"""Instructions of the command register file (Lee et al., ISCA 2021)."""

OPERANDS = {"add": 2, "mul": 2, "relu": 1}
"""Element-wise op kind, and the name of its microkernel -> operands."""

ADD = "reduction_add"
"""Action: one addition of the host's reduction."""


def _assembled(lines: Sequence[str]) -> tuple[str, ...]:
    Microkernel.from_lines(lines, CRF_INSTRUCTIONS)
    return tuple(lines)


Kernel = Annotated[tuple[str, ...], AfterValidator(_assembled)]


class Microkernels(Spec):
    """The microkernels, one instruction a line."""

    gemv: Kernel
    add: Kernel
    mul: Kernel
    relu: Kernel


class HbmPimSpec(PartSpec):
    """``element_bytes`` an operand; ``registers`` in each of GRF_A and GRF_B.

    ``ordering``, ``fence_ns``, ``park``, ``padding``: see `PimArray`.
    ``most_vectors``: products with more vectors go elsewhere; with ``offload: when_faster`` also those that take longer
    than their weights through the pins.
    ``reduction_lanes`` adders at ``reduction_clock_mhz`` add the lanes of each output in the host.
    """

    kind: Literal["hbm_pim"]
    memory: str
    element_bytes: PositiveInt
    registers: Annotated[int, Field(ge=1, le=64)]
    ordering: Ordering
    fence_ns: Annotated[float, Field(ge=0, le=1e6)]
    park: bool
    padding: Padding
    most_vectors: PositiveInt
    offload: Literal["always", "when_faster"]
    reduction_lanes: PositiveInt
    reduction_clock_mhz: Positive
    reduction_pj_per_add: NonNegative
    microkernels: Microkernels


@unit_type("hbm_pim", HbmPimSpec)
class HbmPim(OpUnit):
    """Runs products with weights, and element-wise ops on what lies in its banks, each as one launch of a microkernel.

    A launch enters and leaves the PIM modes. The product's input vector is at the host; its partial sums are read back
    and added there. Operands and results of element-wise ops stay in the banks.
    """

    spec: HbmPimSpec
    memory: Memory
    array: PimArray

    def __init__(self, name: str, spec: HbmPimSpec, around: Surroundings) -> None:
        super().__init__(name, spec, around)
        self._mapped: dict[tuple[object, ...], tuple[Chain, PimWork]] = {}

    def connect(self, components: Mapping[str, Component]) -> None:
        """Find the memory and check that it has PIM units."""
        self.memory = peer(self, components, "memory", self.spec.memory, Memory)
        dram = self.memory.spec.dram
        self.clock_ps = dram.tCK_ps
        self.array = pim_array(
            dram,
            self.memory.spec.channels,
            element_bytes=self.spec.element_bytes,
            registers=self.spec.registers,
            ordering=self.spec.ordering,
            fence_ticks=self.memory.engine.to_ticks(round(1000 * self.spec.fence_ns)),
            park=self.spec.park,
            padding=self.spec.padding,
        )
        self._mapped = self.memory.engine.memo.setdefault((self.spec.model_dump_json(), self.array), {})

    def supports(self, kind: str) -> bool:
        """Products with weights, and what there is a microkernel for."""
        return kind in MATRIX or kind in OPERANDS

    def accepts(self, op: Op) -> bool:
        """Whether a product has few enough vectors and, if that is asked for, is faster here than through the pins."""
        if not isinstance(op, MatrixOp):
            return True
        if op.tokens > self.spec.most_vectors:
            return False
        return self.spec.offload == "always" or self._is_faster(op)

    def _is_faster(self, op: MatrixOp) -> bool:
        """Than its weights through the pins, which may be narrower there than the lanes take them."""
        memory = self.memory
        shape = StreamShape(op.weight_bytes, memory.spec.channels, memory.spec.interleave_bytes, write=False)
        pins = memory.streams.run(shape, 0, exact=self.around.exact).work.ticks
        return memory.engine.chain(self._launch(self.tried(op))[0], 0).ticks < pins

    def take(self, op: Op) -> Op:
        """Every element of the whole matrix, as wide as the lanes."""
        return in_lanes(op, self.spec.element_bytes, self.around, self.name)

    def execute(self, op: Op) -> Process:
        """Book the launch, wait for its results, and add their lanes."""
        env = self.around.env
        chain, _ = self._launch(op)
        booking = self.memory.run(chain, op)
        adds = self._adds(op)
        steps = -(-adds // self.spec.reduction_lanes)
        reduced_ps = cycles_ps(steps, self.spec.reduction_clock_mhz)
        yield env.timeout(booking.end_ps - env.now_ps + reduced_ps)
        self.around.hooks.busy(self.name, booking.start_ps, booking.end_ps, op.name)
        if adds:
            self.around.hooks.activity(self.name, ADD, adds, op.kind)
        self.around.limits.add(op.kind, self.memory.held_ps(booking.work) | {limits.HOST: reduced_ps})

    def estimate_ps(self, op: Op) -> int:
        """Its launch from one place in the refresh interval, without the host's additions."""
        engine = self.memory.engine
        return engine.to_ps(engine.chain(self._launch(self.tried(op))[0], 0).end_ticks)

    def _adds(self, op: Op) -> int:
        """Additions of the host: all lanes of each output into one."""
        if not isinstance(op, MatrixOp):
            return 0
        return op.out_features * op.tokens * (self.array.lanes - 1)

    def _launch(self, op: Op) -> tuple[Chain, PimWork]:
        """The launch for ``op``; for equal shapes the same one."""
        found = self._mapped.get(op.shape_key)
        if found is None:
            work = self._map(op)
            found = self._mapped[op.shape_key] = Chain(((work.program, 1),), work.internal_bytes), work
        return found

    def _map(self, op: Op) -> PimWork:
        try:
            return self._program(op)
        except MappingError as error:
            raise MappingError(f"{op.name} on {self.name}: {error}") from None

    def _program(self, op: Op) -> PimWork:
        dram = self.memory.spec.dram
        if isinstance(op, MatrixOp):
            self._check_elements(op)
            shape = Product(op.out_features, op.in_features, op.tokens)
            return gemv(dram, self.array, self._kernel("gemv"), shape)
        if isinstance(op, VectorOp) and op.kind in OPERANDS:
            return elementwise(dram, self.array, self._kernel(op.kind), op.elements, OPERANDS[op.kind])
        raise MappingError(f"it cannot run a {type(op).__name__} of kind {op.kind}")

    def _kernel(self, name: str) -> Microkernel:
        return Microkernel.from_lines(getattr(self.spec.microkernels, name), CRF_INSTRUCTIONS)

    def _check_elements(self, op: MatrixOp) -> None:
        elements = op.out_features * op.in_features
        if op.weight_bytes != elements * self.spec.element_bytes:
            bits = 8 * op.weight_bytes / elements
            raise MappingError(f"{bits:g}-bit data; its lanes take {8 * self.spec.element_bytes} bits")

    def array_bytes(self, op: Op) -> Mapping[tuple[str, str], int]:
        """Bytes of the launch, counted from the shape: operands with padding, results, accesses that change modes."""
        memory, (_, work) = self.memory.name, self._launch(op)
        return {(memory, hops.IO_TO_MAC): work.internal_bytes, (memory, hops.CELLS_TO_IO): work.cell_bytes}

    def operand_bytes(self, op: Op) -> int:
        """A weight of each multiply-add, or each operand and result of an element-wise op."""
        if isinstance(op, VectorOp):
            return (OPERANDS[op.kind] + 1) * op.elements * self.spec.element_bytes
        return op.flops // 2 * self.spec.element_bytes

    def energy_table(self) -> Mapping[str, Mapping[str, float]]:
        """Energy of one addition in the host."""
        return {ADD: {"host": self.spec.reduction_pj_per_add}}

    def assumptions(self) -> tuple[str, ...]:
        """What the launch takes for granted."""
        order = {
            "in_order": "the host's controller issues column commands in order, so that fences cost nothing",
            "fence": f"the host waits for each {self.spec.registers} column commands, and {self.spec.fence_ns:g} ns",
        }
        filled = f"multiples of {self.array.outputs} outputs x {2 * self.array.tile_inputs} inputs"
        if self.spec.padding == "register":
            filled = f"multiples of {self.array.lanes} inputs, and outputs spread evenly over the units"
        return (
            f"{self.name}: {order[self.spec.ordering]}",
            f"{self.name}: weights fill up to {filled}; padding is computed",
            f"{self.name}: PIM_OP_MODE on clears accumulators and program counter; off ends the kernel, EXIT is free",
            f"{self.name}: one access to a reserved row changes between single-bank and all-bank mode",
            f"{self.name}: the host's adders start when the last partial sum has arrived",
            f"{self.name}: row numbers do not affect timing, so layers with equal shapes share programs (exact)",
        )
