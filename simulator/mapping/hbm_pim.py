"""What the mapper knows of an HBM-PIM part, and how its programs leave and enter the modes.

Banks come in pairs, an even and an odd one, with a PIM unit between. Three modes: single-bank (SB), an ordinary DRAM;
all-bank (AB), in which a command reaches the even or the odd bank of every unit and column writes to the register row
reach the registers of all units; and all-bank-PIM (AB-PIM), in which each column command also executes an instruction
of the microkernel.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from simulator.config.dram_schema import Dram
from simulator.dram.program import HostProgram, ProgramBuilder
from simulator.errors import MappingError
from simulator.mapping.microkernel import ODD, STORE, Half, Microkernel, Sequencer

WRITE_REGISTERS = "WRREG"
READ, WRITE = "RD", "WR"
COMMANDS = (WRITE_REGISTERS, "MAChab", "ADDhab", "MULhab", "FILLhab", STORE, READ, WRITE)

INSTRUCTION_BYTES = 4
HALF = "half"
HALF_NAMES = ("even", "odd")

Ordering = Literal["in_order", "fence"]
"""How the host keeps groups of column commands in order.

``in_order``: its controller issues them in order. ``fence``: it waits after each group until all of it is done.
"""

Padding = Literal["array", "register"]
"""What a weight matrix fills up to.

``array``: all outputs and inputs that the units take at once, as the public libraries align them. ``register``: outputs
spread over all units, and whole registers; a microkernel for the last pass of its own.
"""

# Reserved rows, from the top of each bank down.
ABMR, SBMR, REGISTERS_ROW, PARK = 1, 2, 3, 4
RESERVED_ROWS = 4


@dataclass(frozen=True)
class PimArray:
    """The PIM units of all pseudo-channels of one memory.

    ``units`` a pseudo-channel; ``lanes`` elements of a burst; ``registers`` in each of GRF_A and GRF_B;
    ``row_columns`` bursts of a row. ``fence_ticks``: what the host takes from the end of a group to the next one, with
    ``ordering: fence``. ``park``: visit a row of every bank before and after the PIM modes.
    ``padding`` of weights.
    """

    channels: int
    units: int
    lanes: int
    registers: int
    row_columns: int
    burst_bytes: int
    rows: int
    ordering: Ordering
    fence_ticks: int
    park: bool
    padding: Padding

    @property
    def banks(self) -> int:
        """Banks of a pseudo-channel."""
        return 2 * self.units

    @property
    def tile_inputs(self) -> int:
        """Inputs that GRF_A holds."""
        return self.registers * self.lanes

    @property
    def outputs(self) -> int:
        """Outputs that all units accumulate at once."""
        return self.channels * self.units * self.registers

    @property
    def elementwise_columns(self) -> int:
        """Columns of a bank that both register files hold."""
        return 2 * self.registers

    @property
    def elementwise_elements(self) -> int:
        """Elements that these columns of all banks hold."""
        return self.channels * self.banks * self.elementwise_columns * self.lanes


def pim_array(  # noqa: PLR0913 - one argument for each property of the part
    dram: Dram,
    channels: int,
    *,
    element_bytes: int,
    registers: int,
    ordering: Ordering,
    fence_ticks: int,
    park: bool,
    padding: Padding,
) -> PimArray:
    """The PIM units of ``channels`` pseudo-channels of ``dram``. Raises MappingError when it has none."""
    missing = [name for name in COMMANDS if name not in dram.commands]
    levels = dram.organization.levels
    if missing or levels.get(HALF) != 2:
        lacks = f"the commands {', '.join(missing)}" if missing else f"two nodes of the level '{HALF}'"
        raise MappingError(f"{dram.name} has no PIM units between pairs of banks: it lacks {lacks}")
    burst = dram.organization.burst_bytes
    if burst % element_bytes:
        raise MappingError(f"{dram.name}: a burst of {burst} bytes is no whole number of {element_bytes}-byte elements")
    units = math.prod(levels.values()) // 2
    if dram.commands["MAChab"].internal_bytes != units * burst:
        raise MappingError(f"{dram.name}: MAChab does not move one burst to each of its {units} units")
    return PimArray(
        channels=channels,
        units=units,
        lanes=burst // element_bytes,
        registers=registers,
        row_columns=dram.organization.row_bytes // burst,
        burst_bytes=burst,
        rows=dram.organization.rows,
        ordering=ordering,
        fence_ticks=fence_ticks,
        park=park,
        padding=padding,
    )


class PimProgram:
    """Writes one launch of a microkernel, from SB mode back to SB mode."""

    def __init__(self, dram: Dram, array: PimArray, kernel: Microkernel) -> None:
        self.array = array
        self._kernel = kernel
        self._burst_instructions = array.burst_bytes // INSTRUCTION_BYTES
        self._builder = ProgramBuilder(dram, array.channels)
        self._sequencer: Sequencer | None = None
        self._names: dict[str, int] = {}

    def _reserved(self, which: int) -> int:
        return self.array.rows - which

    def _fence(self) -> None:
        if self.array.ordering == "fence":
            self._builder.sync()
            if self.array.fence_ticks:
                self._builder.host_cycles(self.array.fence_ticks)

    def _touch_all_banks(self) -> None:
        """Bring every bank to the same known row."""
        if self.array.park:
            for bank in range(self.array.banks):
                self._builder.add(READ, bank=bank, row=self._reserved(PARK), memory=True)
            self._builder.sync()

    def enter(self) -> None:
        """SB to AB."""
        self._touch_all_banks()
        self._builder.add(WRITE, row=self._reserved(ABMR))
        self._builder.sync()

    def start(self, **names: int) -> None:
        """AB to AB-PIM: PIM_OP_MODE on, program counter and accumulators at zero.

        The microkernel is written into the CRF before, unless it is there with the same ``names`` for its jumps.
        """
        if names != self._names:
            self.write_registers(ODD, -(-len(self._kernel.instructions) // self._burst_instructions))
            self._names = names
        self.write_registers(ODD, 1)
        self._sequencer = Sequencer(self._kernel, names)

    def stop(self) -> None:
        """AB-PIM to AB: PIM_OP_MODE off. Raises MappingError before the microkernel's end."""
        if self._sequencer is None or not self._sequencer.finished:
            raise MappingError("the column commands end before the microkernel does")
        self.write_registers(ODD, 1)

    def leave(self) -> None:
        """AB to SB."""
        self._builder.add(WRITE, row=self._reserved(SBMR))
        self._builder.sync()
        self._touch_all_banks()

    def write_registers(self, half: Half, bursts: int) -> None:
        """Column writes to the register row, seen through the even or the odd banks."""
        bank = half * self.array.units
        for group in self._groups(bursts):
            self._builder.add(WRITE_REGISTERS, group, bank=bank, row=self._reserved(REGISTERS_ROW))
            self._fence()

    def columns(self, half: Half, row: int, first: int, count: int) -> None:
        """Column commands in AB-PIM mode on ``count`` columns behind column ``first`` of ``row``, on over its end.

        Raises MappingError where the microkernel wants the other bank.
        """
        while count:
            row, first = row + first // self.array.row_columns, first % self.array.row_columns
            inside = min(count, self.array.row_columns - first)
            for group in self._groups(inside):
                self._column_group(half, row, group)
                self._fence()
            first, count = first + inside, count - inside

    def _column_group(self, half: Half, row: int, count: int) -> None:
        assert self._sequencer is not None
        for instruction, times in self._sequencer.step(count):
            if instruction.half != half:
                raise MappingError(f"'{instruction.text}' meets a column command to the {HALF_NAMES[half]} banks")
            self._builder.add(instruction.command, times, bank=half * self.array.units, row=row)

    def _groups(self, count: int) -> Sequence[int]:
        """Commands between fences: as many as a register file has registers."""
        size = self.array.registers if self.array.ordering == "fence" else max(count, 1)
        whole, rest = divmod(count, size)
        return [size] * whole + [rest] * (rest > 0)

    def read_results(self, row: int, columns: range, channels: npt.NDArray[np.bool_], units: int) -> None:
        """Ordinary reads of ``columns``, counted from ``row`` on, of the even banks of the first ``units`` units."""
        for column in columns:
            at = row + column // self.array.row_columns
            for bank in range(units):
                self._builder.add(READ, bank=bank, row=at, channels=channels, memory=True)

    def build(self) -> HostProgram:
        """The finished program."""
        return self._builder.build()
