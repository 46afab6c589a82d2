"""Host requests of a CENT device in the order in which its program issues them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from simulator.config.dram_schema import Dram
from simulator.dram.program import HostProgram, ProgramBuilder
from simulator.mapping import bank_array as b
from simulator.mapping.cent.layout import ACCUMULATORS, BANK_GROUP, BANKS, BURST_ELEMENTS, CHANNELS, Placing, up

MULTIPLY = "EWMULab"
"""Element-wise product in each bank group: bank 2 = bank 0 x bank 1."""

PRODUCT = 2
"""The bank of a group that holds the result of `MULTIPLY`."""

TO_BUFFER = "RDCP"
FROM_BUFFER = "WRCP"
WRITE_ALL = "WRAab"

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Spread:
    """Every ``stride``-th bank of a block, from ``offset`` on."""

    stride: int
    offset: int


EVEN, ODD = Spread(2, 0), Spread(2, 1)
"""Neighbouring banks, whose products a multiply-accumulate of bank x bank sums up."""

FIRST, SECOND, THIRD = Spread(BANK_GROUP, 0), Spread(BANK_GROUP, 1), Spread(BANK_GROUP, PRODUCT)
"""Operands and result of `MULTIPLY` in each bank group."""


class Writer:
    """Adds requests for all blocks of one device."""

    def __init__(self, dram: Dram, placing: Placing) -> None:
        self._builder = ProgramBuilder(dram, CHANNELS)
        self._of_channel = np.eye(CHANNELS, dtype=np.bool_)
        self.placing = placing
        self.all = placing.first(placing.channels_per_block)

    def build(self) -> HostProgram:
        """The program, ended by EOC."""
        self._builder.end()
        return self._builder.build()

    def sync(self) -> None:
        """Wait for all channels."""
        self._builder.sync()

    def vector_adds(self, bursts: int) -> None:
        """Additions in the controller's own units: one front-end cycle for the instruction."""
        del bursts
        self._builder.host_cycles(1)

    def run(self, command: str, count: int, mask: Mask, *, bank: int = 0, row: int = 0) -> None:
        """A run of near-bank commands."""
        self._builder.add(command, count, bank=bank, row=row, channels=mask)

    def read_sums(self, mask: Mask, command: str = b.READ_ACCUMULATORS) -> None:
        """The sums of all banks; the front end waits for them."""
        self._builder.add(command, channels=mask, blocking=True)

    def write_all(self, channel: int, row: int) -> None:
        """One burst into each bank of a channel."""
        self._builder.add(WRITE_ALL, row=row, channels=self._of_channel[channel])

    def access(self, places: Iterable[tuple[int, int, int]], bursts: int, *, write: bool) -> None:
        """``bursts`` times over all places (channel of a block, bank, row): one burst in each block of the device."""
        before = len(self._builder)
        for channel, bank, row in places:
            for block in range(self.placing.blocks):
                mask = self._of_channel[channel + block * self.placing.channels_per_block]
                self._builder.add("WR" if write else "RD", bank=bank, row=row, channels=mask, memory=True)
        once = self._builder.since(before)
        if bursts > 1:
            self._builder.extend(once * (bursts - 1))

    def fill(self, channel: int, bank: int, row: int, bursts: int) -> None:
        """Consecutive writes to one bank, block after block."""
        for block in range(self.placing.blocks):
            mask = self._of_channel[channel + block * self.placing.channels_per_block]
            self._builder.add("WR", bursts, bank=bank, row=row, channels=mask, memory=True)

    def vector(self, elements: int, banks: Spread, row: int, *, write: bool, length: int | None = None) -> None:
        """A vector dealt out in equal shares over banks; ``length`` elements of each move, if not its share.

        Bursts of different banks take turns.
        """
        share = up(elements, self.placing.banks // banks.stride)
        places = [divmod(bank * banks.stride + banks.offset, BANKS) for bank in range(up(elements, share))]
        bursts = up(share if length is None else length, BURST_ELEMENTS)
        self.access([(channel, bank, row) for channel, bank in places], bursts, write=write)

    def multiply(self, row: int, elements: int) -> None:
        """Element-wise product of ``elements`` elements of a bank."""
        self.run(MULTIPLY, up(elements, BURST_ELEMENTS), self.all, row=row)

    def copy_product(self, bank: int, moves: Sequence[tuple[int, int, int]]) -> None:
        """Products from ``bank`` to the one before it: (row, to row, elements), all reads before all writes."""
        for row, _, elements in moves:
            self.run(TO_BUFFER, up(elements, BURST_ELEMENTS), self.all, bank=bank, row=row)
        for _, row, elements in moves:
            self.run(FROM_BUFFER, up(elements, BURST_ELEMENTS), self.all, bank=bank - 1, row=row)

    def product(self, first_row: int, inputs: int, outputs: int, *, activation: bool = False) -> None:
        """A matrix-vector product over all banks that share it, input-stationary, sums in groups of accumulators."""
        per_bank = up(outputs, self.placing.product_banks)
        mask = self.placing.first(up(up(outputs, per_bank), BANKS))
        groups = up(per_bank, ACCUMULATORS // 2 if activation else ACCUMULATORS)
        size = up(per_bank, groups)
        row_elements = BURST_ELEMENTS * 64
        tiles = up(inputs, row_elements)
        for tile in range(tiles):
            bursts = up(min(row_elements, inputs - tile * row_elements), BURST_ELEMENTS)
            self.run(b.WRITE_BUFFER, bursts, mask)
            for start in range(0, per_bank, size):
                columns = range(start, min(per_bank, start + size))
                rows = [first_row + column * tiles + tile for column in columns]
                self.sums(mask, rows, bursts, activate=activation and tile == tiles - 1)

    def sums(self, mask: Mask, rows: Sequence[int], bursts: int, *, activate: bool = False) -> None:
        """One accumulator for each row: start values, products, results."""
        for _ in rows:
            self.run(b.WRITE_ACCUMULATORS, 1, mask)
        for row in rows:
            self.run(b.MAC, bursts, mask, row=row)
        for _ in rows if activate else ():
            self.run(b.ACTIVATE, 1, mask, row=b.ACTIVATION_ROW)
            self.read_sums(mask, b.READ_ACTIVATED)
        for _ in rows:
            self.read_sums(mask)
