"""Cells of systolic arrays: their rate and energy by operand width, and the zeros that they pass over."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import ceil

from pydantic import Field

from simulator.errors import ConfigError, MappingError
from simulator.units.base import Component, PartSpec, Positive, PositiveInt
from simulator.units.formats import elements_of, tell
from simulator.units.mac_energy import MacEnergy, MacPrices, OperandBits
from simulator.units.processors.shapes import Product, product_of
from simulator.units.sparsity import SparseMacs, SparsePattern, support_of, take_sparse
from simulator.units.systolic import Array, Dataflow
from simulator.workload.encoding import WHOLE_BITS, Number
from simulator.workload.ops import Op, ProductOp, WeightedOp


class SparseCells(SparseMacs):
    """As `SparseMacs`; products with ``kept`` elements run at the rate of operands of ``least_bits`` or more."""

    least_bits: PositiveInt = 1


class CellsSpec(PartSpec):
    """``arrays`` arrays of ``rows`` x ``cols`` cells at ``clock_mhz``, with registers of ``element_bytes``.

    ``dataflow``, ``double_buffered`` and ``reach`` as in `Array`. By the operands' width in bits: ``macs_per_cell``,
    multiply-adds of a cell in each beat along the inner dimension (below 1 where cells join for wide operands), by
    default one of the register's width; ``beat_cycles``, by default 1; ``energy_pj_per_mac``, or one for all.
    ``narrow``: the numbers that cells take in fewer than 16 bits; others are widened. ``sparse``: what cells make of
    weights with zeros, by pattern; without an entry they lie and are multiplied with their zeros.
    """

    arrays: PositiveInt
    rows: PositiveInt
    cols: PositiveInt
    clock_mhz: Positive
    element_bytes: PositiveInt
    dataflow: Dataflow = "weight_stationary"
    double_buffered: bool = True
    reach: PositiveInt = 1
    macs_per_cell: dict[OperandBits, Positive] = Field(default_factory=dict)
    beat_cycles: dict[OperandBits, PositiveInt] = Field(default_factory=dict)
    narrow: tuple[Number, ...] = ("int",)
    sparse: dict[SparsePattern, SparseCells] = Field(default_factory=dict)
    energy_pj_per_mac: MacEnergy


@dataclass(frozen=True)
class Rate:
    """Of operands of ``bits``: `CellsSpec.macs_per_cell` and `CellsSpec.beat_cycles`."""

    bits: int
    macs_per_cell: float
    beat_cycles: int


class Cells:
    """The arrays of ``unit``, and what of a product its cells do.

    Raises ConfigError for operands that do not fit a register and for zeros that cells cannot pass over.
    """

    def __init__(self, unit: Component, spec: CellsSpec) -> None:
        self.spec = spec
        self._unit = unit
        self.array = Array(spec.arrays, spec.rows, spec.cols, spec.dataflow, spec.double_buffered, spec.reach)
        given = spec.macs_per_cell or {str(8 * spec.element_bytes): 1.0}
        self._rates = {int(bits): Rate(int(bits), macs, spec.beat_cycles.get(bits, 1)) for bits, macs in given.items()}
        self.energy = MacPrices(unit, spec.energy_pj_per_mac, self._rates)
        for rate in self._rates.values():
            self._check_room(rate)
        for pattern, support in spec.sparse.items():
            self._check_pattern(pattern, support)

    def _check_room(self, rate: Rate) -> None:
        most = 8 * self.spec.element_bytes
        if rate.bits * rate.macs_per_cell > most:
            raise self._error(
                "macs_per_cell",
                f"{rate.macs_per_cell:g} elements of '{rate.bits}' bits are not what a register of {most} bits can "
                "hold",
            )

    def _check_pattern(self, pattern: str, support: SparseCells) -> None:
        """A cell picks its input from a group that passes: one of a given size, while weights stay or pass alone."""
        if support.macs != "kept":
            return
        if ":" not in pattern:
            raise self._error(
                f"sparse.{pattern}.macs", "cells in step keep so many of each group (allowed: n:m, as 2:4)"
            )
        if self.spec.dataflow == "input_stationary":
            raise self._error(f"sparse.{pattern}.macs", "cells that hold an input cannot pick another")
        if support.least_bits > max(self._rates):
            raise self._error(f"sparse.{pattern}.least_bits", f"the cells take {max(self._rates)} bits at most")

    def _error(self, key: str, text: str) -> ConfigError:
        return ConfigError(text, key=f"components.{self._unit.name}.{key}")

    @property
    def wave_bytes(self) -> int:
        """Bytes that the buffer holds for one element, or several narrow ones, in each cell of all arrays.

        Where cells can pick inputs, the places of the weights lie beside them.
        """
        cells = self.spec.arrays * self.spec.rows * self.spec.cols
        return cells * (8 * self.spec.element_bytes + max(self._place_bits(), default=0)) // 8

    def _place_bits(self) -> Iterator[int]:
        """Bits of the places of the weights in a cell, pattern by pattern."""
        for pattern, support in self.spec.sparse.items():
            if support.macs == "kept":
                most = max(rate.macs_per_cell for rate in self._rates.values() if rate.bits >= support.least_bits)
                yield max(1, ceil(most)) * (int(pattern.split(":")[1]) - 1).bit_length()

    @property
    def flops_per_s(self) -> float:
        """Peak rate of all arrays, at the operands that they are quickest at and with every element kept."""
        most = max(rate.macs_per_cell / rate.beat_cycles for rate in self._rates.values())
        return 2e6 * self.spec.arrays * self.spec.rows * self.spec.cols * most * self.spec.clock_mhz

    def product(self, op: Op) -> Product:
        """What an op multiplies: its matrices, or one for each cached head; inner elements passed over left out."""
        if not isinstance(op, ProductOp):
            raise MappingError(f"{op.name}: {self._unit.name} cannot run a {type(op).__name__}")
        product = product_of(op)
        if op.encoding is None or self._kept(op) is None:
            return product
        return replace(product, k=op.encoding.kept(1, product.k))

    def _kept(self, op: Op) -> SparseCells | None:
        """How cells multiply only what ``op`` keeps of its weights; None where they do not."""
        if op.encoding is None or op.encoding.pattern == "dense":
            return None
        _, support = support_of(op.encoding, self.spec.sparse)
        return support if support is not None and support.macs == "kept" else None

    def rate(self, op: Op, product: Product) -> Rate:
        """Of the least width that takes both operands. Raises MappingError where none does."""
        usable = self._usable(op, product.math_bits, product.number)
        if not usable:
            most = max(self._rates)
            raise MappingError(
                f"{op.name}: {product.math_bits}-bit data; the cells of {self._unit.name} take {most} bits"
            )
        return self._rates[min(usable)]

    def _usable(self, op: Op, bits: float, number: Number) -> list[int]:
        """Widths that take operands of ``bits``; of numbers that are not `narrow`, `WHOLE_BITS` or more."""
        kept = self._kept(op)
        least = max(bits, kept.least_bits if kept else 1, 1 if number in self.spec.narrow else WHOLE_BITS)
        return [width for width in self._rates if width >= least]

    def take(self, op: Op) -> Op:
        """``op`` with the zeros that cells cannot pass over; narrower operands are widened as they shift in."""
        around, name = self._unit.around, self._unit.name
        op = take_sparse(op, self.spec.sparse, around, name)
        encoding = op.encoding
        if encoding is None:
            return op
        wanted = max(float(encoding.value_bits), encoding.moving_bits)
        bits = min(self._usable(op, wanted, encoding.moving), default=max(self._rates))
        if wanted < bits:
            tell(around, name, f"its cells multiply {bits} bits: narrower operands are widened as they shift in")
        if encoding.lookup:
            tell(around, name, "it has no products by table look-up: weights are widened")
        return op

    def multiplied(self, op: Op) -> tuple[str, int]:
        """(action, count) of the multiply-adds of ``op``.

        A weight of a group with a scale is multiplied with it on its way in.
        """
        product = self.product(op)
        scalings = stored(op) if op.encoding is not None and op.encoding.scaled else 0
        return self.energy.action(self.rate(op, product).bits, product.number), op.flops // 2 + scalings


def stored(op: Op) -> int:
    """Elements that the stored operand of ``op`` keeps."""
    if isinstance(op, WeightedOp) and op.encoding is not None:
        return op.matrices * op.encoding.kept(op.out_features, op.in_features)
    return elements_of(op)
