"""A mesh of cores with their own SRAM: each holds a block of every matrix; sums are reduced along its lines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from typing import Literal

from pydantic import Field

from simulator.errors import ConfigError, MappingError
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
from simulator.units.formats import dense, tell
from simulator.units.mac_energy import MacEnergy, MacPrices, OperandBits
from simulator.units.mesh.lines import Line
from simulator.units.processors.shapes import elements_of, product_of
from simulator.units.sram import Sram
from simulator.workload.ops import OP_KINDS, AttentionOp, GroupedMatrixOp, LookupOp, MatrixOp, Op, ProductOp

LANE_OP, CROSSING = "lane_op", "word_crossing"
"""Actions; the last one: a word over one link."""


class CoreMeshSpec(PartSpec):
    """``rows`` x ``cols`` cores at ``clock_mhz`` that hold weights and cache in ``memory``, one bank a core.

    Of one core: ``macs_per_clock`` by operand width in bits, ``lanes`` element operations a clock, ``element_cycles``
    of an element by op kind where special functions are done in software, ``task_cycles`` to start an op. Links carry
    ``word_bits`` a clock each way; ``ramp_cycles`` lead from a router to its core.
    """

    kind: Literal["core_mesh"]
    memory: str
    rows: PositiveInt
    cols: PositiveInt
    clock_mhz: Positive
    macs_per_clock: dict[OperandBits, Positive] = Field(min_length=1)
    lanes: PositiveInt
    element_cycles: dict[str, NonNegative] = Field(default_factory=dict)
    word_bits: PositiveInt
    ramp_cycles: PositiveInt
    task_cycles: NonNegative
    energy_pj_per_mac: MacEnergy
    energy_pj_per_lane_op: NonNegative
    energy_pj_per_crossing: NonNegative
    static_power_w: NonNegative


@dataclass(frozen=True)
class Cost:
    """Cycles of an op's arithmetic, of reading its stored operand and on the mesh; words times links in all lines."""

    compute: int
    read: int
    mesh: int
    crossings: int

    @property
    def cycles(self) -> int:
        """Arithmetic goes on while the operand is read; the mesh comes after."""
        return max(self.compute, self.read) + self.mesh


@unit_type("core_mesh", CoreMeshSpec)
class CoreMesh(OpUnit):
    """Runs every op on all cores; a vector is spread along one side of the mesh and the same along the other.

    A product leaves in each core the sums of its block, which are added up along one side and given to all cores of
    that line. So the next product finds its inputs where it needs them, with the sides changed. Cached heads are spread
    along the rows, cached tokens along the columns.
    """

    spec: CoreMeshSpec
    memory: Sram

    def __init__(self, name: str, spec: CoreMeshSpec, around: Surroundings) -> None:
        super().__init__(name, spec, around)
        self.clock_ps = 1e6 / spec.clock_mhz
        self._macs = MacPrices(self, spec.energy_pj_per_mac, map(int, spec.macs_per_clock))
        self.column, self.row = Line(spec.rows, spec.ramp_cycles), Line(spec.cols, spec.ramp_cycles)

    def connect(self, components: Mapping[str, Component]) -> None:
        """Find the memory. Raises ConfigError unless it has a bank for each core."""
        self.memory = peer(self, components, "memory", self.spec.memory, Sram)
        banks, cores = self.memory.spec.organization.banks, self.spec.rows * self.spec.cols
        if banks != cores:
            raise ConfigError(
                f"{cores} cores cannot have one each of {banks} banks", key=f"components.{self.name}.memory"
            )

    def supports(self, kind: str) -> bool:
        """All kinds, those of plug-ins included."""
        return kind in OP_KINDS

    @property
    def flops_per_s(self) -> float:
        """Peak rate of all cores."""
        most = max(*self.spec.macs_per_clock.values(), self.spec.lanes)
        return 2e6 * self.spec.rows * self.spec.cols * most * self.spec.clock_mhz

    def take(self, op: Op) -> Op:
        """Weights with their zeros."""
        if op.encoding is None:
            return op
        if op.encoding.pattern != "dense":
            tell(
                self.around,
                self.name,
                "its cores take every element: sparse weights lie and are multiplied with their zeros",
            )
        if op.encoding.lookup:
            tell(self.around, self.name, "it has no products by table look-up: weights are widened")
        return dense(op)

    def execute(self, op: Op) -> Process:
        """Start, arithmetic beside the reads, then the mesh."""
        env, hooks = self.around.env, self.around.hooks
        start_ps, cost = env.now_ps, self.cost(op)
        end_ps = start_ps + cycles_ps(cost.cycles + round(self.spec.task_cycles), self.spec.clock_mhz)
        for n_bytes, write in ((op.weight_bytes + op.kv_read_bytes, False), (op.kv_write_bytes, True)):
            if n_bytes:
                end_ps = max(end_ps, self.memory.stream(n_bytes, op, write=write).end_ps)
        yield env.timeout(end_ps - start_ps)
        hooks.busy(self.name, start_ps, end_ps, op.name)
        for action, n in (self._arithmetic(op), (CROSSING, cost.crossings)):
            if n:
                hooks.activity(self.name, action, n, op.kind)
        if cost.crossings:
            hooks.transfer(start_ps, end_ps, hops.LINK, cost.crossings * self.spec.word_bits // 8, self.name)
        local = {limits.COMPUTE: cost.compute} if cost.compute >= cost.read else {limits.BANKS: cost.read}
        self.around.limits.add(op.kind, local | {limits.MESH: cost.mesh})

    def cost(self, op: Op) -> Cost:
        """What ``op`` takes on the mesh."""
        if isinstance(op, MatrixOp | GroupedMatrixOp):
            return self._matrices(op)
        if isinstance(op, AttentionOp):
            return self._attention(op)
        elements, rows = elements_of(op)
        if op.kind in ("softmax", "sampling"):
            return self._along_rows(op, elements, rows)
        return self._along_columns(op, elements, rows)

    def _matrices(self, op: MatrixOp | GroupedMatrixOp) -> Cost:
        """Each matrix after the other: inner elements along the columns' cores, outputs along the rows'."""
        product = product_of(op)
        deep, wide = ceil(product.k / self.spec.rows), ceil(product.n / self.spec.cols)
        compute = mesh = crossings = 0
        for m, matrices in product.loads or ((product.m, product.matrices),):
            words = self._words(wide * m, product.moving_bits)
            compute += matrices * self._compute(op, deep * wide * m, product.math_bits)
            mesh += matrices * self.column.allreduce(words)
            crossings += 2 * matrices * self.column.crossings(words) * self.spec.cols
        return Cost(compute, product.matrices * self._read(deep * wide, product.stored_bits), mesh, crossings)

    def _attention(self, op: AttentionOp) -> Cost:
        """Scores are added up over the cores of a head, contexts over all tokens."""
        product, spec = product_of(op), self.spec
        deep, wide = ceil(op.n_kv_heads * op.head_dim / spec.rows), ceil(op.context / spec.cols)
        macs = deep * wide * product.m * op.batch
        heads = ceil(op.n_kv_heads / spec.rows)
        head = Line(max(1, spec.rows // op.n_kv_heads), spec.ramp_cycles)
        if op.kind == "attn_score":
            line, words, lines = head, self._words(wide * product.m * op.batch * heads, product.moving_bits), spec.cols
        else:
            line, words, lines = self.row, self._words(deep * product.m * op.batch, product.moving_bits), spec.rows
        return Cost(
            compute=self._compute(op, macs, product.math_bits),
            read=self._read(deep * wide * op.batch, product.stored_bits),
            mesh=line.allreduce(words),
            crossings=2 * line.crossings(words) * lines,
        )

    def _along_rows(self, op: Op, elements: int, rows: int) -> Cost:
        """Each row of elements lies along a row of cores: two reductions, of the maximum and of the sum."""
        lines = min(self.spec.rows, rows)
        each = ceil(elements / (self.spec.cols * lines))
        words = ceil(rows / lines)
        return Cost(
            self._lanes(op, each, elements), 0, 2 * self.row.allreduce(words), 4 * words * (self.spec.cols - 1) * lines
        )

    def _along_columns(self, op: Op, elements: int, rows: int) -> Cost:
        """A vector lies along the columns, in every one; a norm is reduced along them, a table row sent out."""
        each = ceil(elements / self.spec.rows)
        mesh = crossings = 0
        if op.kind in ("rmsnorm", "layernorm"):
            mesh, crossings = self.column.allreduce(rows), 2 * self.column.crossings(rows) * self.spec.cols
        elif isinstance(op, LookupOp):
            words = self._words(each, 8 * op.output_bytes / max(1, elements))
            mesh, crossings = self.row.broadcast(words), self.row.crossings(words) * self.spec.rows
        return Cost(self._lanes(op, each, elements), 0, mesh, crossings)

    def _words(self, elements: int, bits: float) -> int:
        return ceil(elements * bits / self.spec.word_bits)

    def _read(self, elements: int, bits: float) -> int:
        return self.memory.spec.organization.words(ceil(elements * bits / 8))

    def _lanes(self, op: Op, each: int, elements: int) -> int:
        """Cycles of ``each`` elements in a core's lanes."""
        in_lanes = max(1.0, op.flops / max(1, elements)) / self.spec.lanes
        return ceil(each * self.spec.element_cycles.get(op.kind, in_lanes))

    def _compute(self, op: Op, macs: int, bits: int) -> int:
        """Cycles of a core's multiply-adds."""
        return ceil(macs / self.spec.macs_per_clock[str(self._width(op, bits))])

    def _width(self, op: Op, bits: int) -> int:
        """The least width that takes operands of ``bits``. Raises MappingError where none does."""
        usable = [int(width) for width in self.spec.macs_per_clock if int(width) >= bits]
        if not usable:
            raise MappingError(f"{op.name}: {bits}-bit operands; {self.name} takes no more than its macs_per_clock has")
        return min(usable)

    def _arithmetic(self, op: Op) -> tuple[str, int]:
        """(action, count) of what ``op`` does in the cores: a product's multiply-adds, else operations of lanes."""
        if not isinstance(op, ProductOp):
            return LANE_OP, op.flops
        product = product_of(op)
        return self._macs.action(self._width(op, product.math_bits), product.number), op.flops // 2

    def array_bytes(self, op: Op) -> Mapping[tuple[str, str], int]:
        """Whole words of what it reads and of what it writes."""
        whole = self.memory.burst_bytes
        moved = whole(op.weight_bytes + op.kv_read_bytes) + whole(op.kv_write_bytes)
        return {(self.memory.name, hops.CELLS_TO_IO): moved}

    def energy_table(self) -> Mapping[str, Mapping[str, float]]:
        """Energy of arithmetic and of words on links."""
        return {
            **self._macs.table,
            LANE_OP: {"compute": self.spec.energy_pj_per_lane_op},
            CROSSING: {"network": self.spec.energy_pj_per_crossing},
        }

    def assumptions(self) -> tuple[str, ...]:
        """How ops are laid out."""
        return (
            f"{self.name}: every op uses all cores, each with an equal block of every matrix and of the cache",
            f"{self.name}: sums are added up two ways towards the middle of a line, in two phases, then sent out again",
            f"{self.name}: what lies along one side of the mesh is the same along the other; no op uses those copies",
        )
