"""Products and element-wise ops on HBM-PIM: layout, programs, and the bytes that they must move.

**Products.** Output o of an ``outputs`` x ``inputs`` matrix belongs to register ``o % 8`` of GRF_B of unit ``o // 8 %
units`` of pseudo-channel ``o // (8 units) % channels``, in pass ``o // (8 units channels)`` over the array. Inputs are
cut into tiles of what GRF_A holds, in turn in the even and the odd banks. The 8 x 8 columns of a tile follow each
other along the rows of a bank; a column is one register's worth of inputs of one output. Both counts are filled up to
whole tiles, and padding costs what it takes.

In each pass: for each tile of the even banks the input vector into GRF_A of all units, then a MAC a column; the odd
banks likewise; then GRF_B into a row of the even banks. At the end, in SB mode, the host reads these rows and adds the
lanes of each output.

**Element-wise.** Operands and result lie in rows of their own, interleaved over all banks. What both register files
hold is loaded, combined and stored, first of the even, then of the odd banks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulator.config.dram_schema import Dram
from simulator.dram.program import HostProgram
from simulator.mapping.hbm_pim import PimArray, PimProgram
from simulator.mapping.microkernel import EVEN, HALVES, ODD, Microkernel


@dataclass(frozen=True)
class Product:
    """``vectors`` products with an ``outputs`` x ``inputs`` matrix."""

    outputs: int
    inputs: int
    vectors: int


@dataclass(frozen=True)
class PimWork:
    """A program, and the bytes it moves: ``internal_bytes`` at the units, ``cell_bytes`` in all at the cells."""

    program: HostProgram
    internal_bytes: int
    cell_bytes: int


def gemv(dram: Dram, array: PimArray, kernel: Microkernel, shape: Product) -> PimWork:
    """A product: in each pass over the array one vector after the other, each with all weights of the pass."""
    passes, tiles = array.output_tiles(shape.outputs), array.input_tiles(shape.inputs)
    results = array.weight_rows(shape.outputs, shape.inputs)
    out = PimProgram(dram, array, kernel)
    out.enter()
    for number in range(passes):
        for vector in range(shape.vectors):
            out.start(macs=tiles * array.tile_columns)
            _multiply(out, array, number * tiles, tiles)
            out.columns(EVEN, results, (number * shape.vectors + vector) * array.registers, array.registers)
            out.stop()
    out.leave()
    bursts = _read_out(out, array, results, shape)
    columns = passes * shape.vectors * (2 * tiles * array.tile_columns + array.registers)
    return _work(out, array, columns, bursts)


def _multiply(out: PimProgram, array: PimArray, first: int, tiles: int) -> None:
    """One pass: ``tiles`` tiles of each half from tile ``first`` on, the vector through the half that is not read."""
    for half, other in ((EVEN, ODD), (ODD, EVEN)):
        for tile in range(first, first + tiles):
            out.write_registers(other, array.registers)
            out.columns(half, 0, tile * array.tile_columns, array.tile_columns)


def _read_out(out: PimProgram, array: PimArray, row: int, shape: Product) -> int:
    """Read the sums of units that have outputs; returns the bursts of all pseudo-channels."""
    per_pass = shape.vectors * array.registers
    units_used = -(-shape.outputs // array.registers)
    whole, rest = divmod(units_used, array.channels * array.units)
    full, part = divmod(rest, array.units)
    channel = np.arange(array.channels)
    in_all, in_last = range(whole * per_pass), range(whole * per_pass, (whole + 1) * per_pass)
    out.read_results(row, in_all, channel >= 0, array.units)
    if full:
        out.read_results(row, in_last, channel < full, array.units)
    if part:
        out.read_results(row, in_last, channel == full, part)
    return units_used * per_pass


def elementwise(dram: Dram, array: PimArray, kernel: Microkernel, elements: int, operands: int) -> PimWork:
    """A kernel that visits each element of ``operands`` operands and of the result once."""
    tiles = -(-elements // array.elementwise_elements)
    size = array.elementwise_columns
    rows = -(-tiles * size // array.row_columns)
    out = PimProgram(dram, array, kernel)
    out.enter()
    out.start(tiles=tiles)
    for tile in range(tiles):
        for half in HALVES:
            for visited in range(operands + 1):
                out.columns(half, visited * rows, tile * size, size)
    out.stop()
    out.leave()
    return _work(out, array, tiles * 2 * (operands + 1) * size, 0)


def _work(out: PimProgram, array: PimArray, columns: int, bursts: int) -> PimWork:
    """The bytes of ``columns`` PIM column commands a pseudo-channel, the mode changes, and ``bursts`` results."""
    internal = columns * array.channels * array.units * array.burst_bytes
    changes = 2 + 2 * array.banks * array.park
    return PimWork(out.build(), internal, internal + (changes * array.channels + bursts) * array.burst_bytes)
