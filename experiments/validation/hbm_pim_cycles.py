"""Cycle counts of HBM-PIM kernels in closed form, from public microkernel and timings; writes the suite's cases.

    python experiments/validation/hbm_pim_cycles.py > experiments/validation/data/pim/hbm_pim.csv

Nothing of the simulator is used. What is derived: a host whose controller issues in order, alone on a
pseudo-channel.

Sources. Machine and modes: Lee et al., ISCA 2021 (a unit of 16 FP16 lanes for two banks, eight 256-bit registers in
each of GRF_A and GRF_B; single-bank, all-bank and all-bank-PIM mode; one instruction a column command at tCCD_L).
Kernel order: README and `src/tests` of github.com/SAITPublic/PIMSimulator (park in, enter, CRF, PIM_OP_MODE, per 128
inputs eight writes of GRF_A through the banks that are not read and 64 MACs; the sums into the even banks; leave, park
out, read out). Timings: HBM2_2000Mbps of Ramulator 2.1, in clocks of 1 ns.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from dataclasses import dataclass

UNITS, LANES, REGISTERS, ROW_COLUMNS = 8, 16, 8, 32
BANKS = 2 * UNITS
TILE_INPUTS = LANES * REGISTERS
CRF_A_BURST = 8
"""Instructions of 32 bits in a burst of 32 bytes."""


@dataclass(frozen=True)
class Timings:
    """Clocks. A row activation takes two clocks on its bus, and gaps count from the last of them."""

    BL: int = 2
    CL: int = 14
    CWL: int = 5
    RCDRD: int = 14
    RCDWR: int = 12
    RP: int = 14
    WR: int = 16
    RTP: int = 5
    CCDL: int = 4
    CCDS: int = 2
    WTRL: int = 8
    RRD: int = 4
    RFC: int = 350
    REFI: int = 3900

    @property
    def read_to_write(self) -> int:
        """A write command behind a read."""
        return self.CL + self.BL + 2 - self.CWL

    @property
    def write_to_precharge(self) -> int:
        """A precharge behind a write to the same banks."""
        return self.CWL + self.BL + self.WR

    @property
    def open_to_read(self) -> int:
        """From a precharge to a read of the next row: tRP to the last clock of the activation, tRCD from it."""
        return self.RP + self.RCDRD

    @property
    def open_to_write(self) -> int:
        """From a precharge to a write of the next row."""
        return self.RP + self.RCDWR


T = Timings()


def run(columns: int) -> int:
    """From the first to the last of so many column commands one after the other."""
    return (columns - 1) * T.CCDL


def next_row(columns: int) -> int:
    """From the last column command of a row to the last one of the next row: a run of reads."""
    return T.RTP + T.open_to_read + run(columns)


def with_refresh(clocks: int) -> int:
    """The time with the refreshes that fall due in it.

    Each closes the rows (tRTP, tRP), takes tRFC and opens them again (an activation is two clocks long, which cancels).
    """
    lost = T.RTP + T.RP + T.RFC + T.RCDRD - T.CCDL
    total = clocks
    while clocks + (total // T.REFI) * lost != total:
        total = clocks + (total // T.REFI) * lost
    return total


def park() -> int:
    """A read of one row of each bank: an activation each tRRD, the last bank's data."""
    return (BANKS - 1) * T.RRD + T.RCDRD + 1 + T.CL + T.BL


def enter(kernel_instructions: int) -> int:
    """Park in; the access to the ABMR row; the CRF, through the odd banks' register row."""
    mode = T.open_to_write + T.CWL + T.BL
    crf = T.open_to_write + run(-(-kernel_instructions // CRF_A_BURST))
    return park() + mode + crf


def leave() -> int:
    """The access to the SBMR row, behind the last register write; park out, whose banks have to be closed first."""
    return T.open_to_write + T.CWL + T.BL + T.RP + park()


def gemv_passes(outputs: int, inputs: int, vectors: int, channels: int) -> int:
    """All MACs, from the first PIM_OP_MODE on to the last off."""
    passes = -(-outputs // (channels * UNITS * REGISTERS))
    tiles = -(-inputs // (2 * TILE_INPUTS))
    # 64 MACs of a tile lie in two rows. The input registers are written through the other banks, whose register row is
    # open; the MACs' first row opens behind the last of these writes.
    macs = T.open_to_read + run(ROW_COLUMNS) + next_row(ROW_COLUMNS)
    tile = T.read_to_write + run(REGISTERS) + macs
    first_even = 2 * T.CCDL + run(REGISTERS) + macs
    first_odd = T.RTP + T.open_to_write + run(REGISTERS) + macs
    # The sums go into a row of the even banks; PIM_OP_MODE off through the odd ones, which have a row of weights open.
    store = T.open_to_write + run(REGISTERS) + T.open_to_write
    return passes * vectors * (first_even + first_odd + 2 * (tiles - 1) * tile + store)


def read_out(outputs: int, vectors: int, channels: int) -> int:
    """Eight columns of each even bank, alternating between the two bank groups, at tCCD_S; opened one each tRRD."""
    passes = -(-outputs // (channels * UNITS * REGISTERS))
    return T.open_to_read + (passes * vectors * UNITS * REGISTERS - 1) * T.CCDS + T.CL + T.BL


def gemv(outputs: int, inputs: int, vectors: int, channels: int) -> int:
    """A product, results at the host."""
    work = gemv_passes(outputs, inputs, vectors, channels) + read_out(outputs, vectors, channels)
    return with_refresh(enter(kernel_instructions=7) + work + leave())


def elementwise(elements: int, operands: int, channels: int) -> int:
    """``operands`` operands read, one result written, 16 columns each of the even and then of the odd banks."""
    size = 2 * REGISTERS
    tiles = -(-elements // (channels * BANKS * size * LANES))
    reads = T.open_to_read + run(size) + (operands - 1) * next_row(size)
    half = reads + max(T.RTP + T.open_to_write, T.read_to_write) + run(size)
    stop = T.write_to_precharge + T.open_to_write
    instructions = 4 * 2 * (operands + 1) + 2
    return with_refresh(enter(instructions) + T.CCDL + 2 * tiles * half + stop + leave())


HEADS = (
    "case",
    "arch",
    "workload",
    "overrides",
    "metric",
    "expected",
    "kind",
    "limit_pct",
    "source",
    "baseline_arch",
    "baseline_overrides",
)
ARCH, PINS = "hbm_pim_card", "placement.policy=matrix_memory"
GEMV_SHAPES = ((4096, 4096), (1024, 4096), (4096, 1024), (11008, 4096))
DERIVED = "experiments/validation/hbm_pim_cycles.py: microkernel of ISCA 2021 and PIMSimulator, timings HBM2_2000Mbps"
IEEE_MICRO = "Kim et al., IEEE Micro 2022 (abstract): 2.8x for GEMV and ADD on an Alveo U280 with HBM-PIM"
Row = tuple[object, ...]


def cycle_cases() -> Iterator[Row]:
    """Cycle counts against the closed form."""
    for channels in (16, 64):
        size = f"memory.channels={channels}"
        for outputs, inputs in GEMV_SHAPES:
            for batch in (1, 2, 3, 4):
                name, job = f"gemv {outputs}x{inputs} {channels}pc batch {batch}", f"op gemm {outputs}x{inputs}"
                cycles = gemv(outputs, inputs, batch, channels)
                yield name, ARCH, job, f"{size};batch={batch}", "cycles", cycles, "cycles", 1.5, DERIVED, "", ""
        for kind, operands in (("add", 2), ("mul", 2), ("relu", 1)):
            for elements in (1 << 20, 1 << 22):
                name, job = f"{kind} {elements} {channels}pc", f"op {kind} 1x{elements}"
                cycles = elementwise(elements, operands, channels)
                yield name, ARCH, job, size, "cycles", cycles, "cycles", 1.5, DERIVED, "", ""


def gain_cases() -> Iterator[Row]:
    """The time of the same weights through the pins, over that of the units."""
    for channels in (16, 64):
        size = f"memory.channels={channels}"
        yield (
            f"gemv 4096x4096 {channels}pc over the pins", ARCH, "op gemm 4096x4096", f"{size};{PINS}", "time_ps", 2.8,
            "published", 10, IEEE_MICRO, ARCH, size,
        )  # fmt: skip
    yield (
        "bandwidth of the units over that of the pins", ARCH, "peak", "", "near_bank_over_pins", 4, "published", 0.1,
        "Kwon et al., ISSCC 2021: four times the off-chip bandwidth", "", "",
    )  # fmt: skip


def main() -> None:
    """Write the cases."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(HEADS)
    writer.writerows([*cycle_cases(), *gain_cases()])


if __name__ == "__main__":
    main()
