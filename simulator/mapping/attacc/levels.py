"""Where GEMV units are, and how a head's keys and values lie in front of them.

A cached head lies in one channel. Its tokens are dealt out to the *partitions* that read at the same time with
operands of their own, and each partition has a vector's elements in one column after the other. Partitions and banks
by level, of a channel of two pseudo-channels x two stack IDs x four bank groups x four banks:

- ``bank``: a unit at each bank; partitions are bank groups, whose four banks share a vector.
- ``bankgroup``: a unit at each bank group; the banks of a group take turns, row by row.
- ``buffer``: a unit for each pseudo-channel on the buffer die; partitions are pseudo-channels, whose bank groups take
  turns, column by column, and whose banks do so row by row.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from simulator.config.dram_schema import Dram
from simulator.errors import MappingError

Level = Literal["bank", "bankgroup", "buffer"]

LEVELS = ("pseudochannel", "sid", "bankgroup", "bank")
MACS: dict[Level, str] = {"bank": "MACAB", "bankgroup": "MACSB", "buffer": "MACPB"}
MOVES = ("WRGB", "MVSB", "MVGB", "SFM")
WRITE_BUFFER, TO_SOFTMAX, TO_BUFFER, SOFTMAX = MOVES


@dataclass(frozen=True)
class GemvArray:
    """GEMV units of all channels of a memory.

    ``lanes`` elements of a column meet one unit at a time. ``counts``: pseudo-channels, stack IDs, bank groups, banks.
    """

    level: Level
    channels: int
    lanes: int
    columns: int
    rows: int
    counts: tuple[int, int, int, int]
    mac_bytes: int

    @property
    def mac(self) -> str:
        """The command by which all units of a channel multiply and add."""
        return MACS[self.level]

    @property
    def partitions(self) -> int:
        """Operands of their own that one MAC works on."""
        pseudochannels, sids, groups, _ = self.counts
        return pseudochannels if self.level == "buffer" else pseudochannels * sids * groups

    @property
    def sharing(self) -> int:
        """Units that work on one operand together: the banks of a group."""
        return self.counts[3] if self.level == "bank" else 1

    @property
    def groups(self) -> int:
        """Bank groups of one pseudo-channel, which a move is addressed to."""
        return self.counts[1] * self.counts[2]

    def vector_macs(self, elements: int) -> int:
        """MACs of one vector of ``elements`` in each partition."""
        return -(-elements // (self.sharing * self.lanes))

    def tokens(self, context: int) -> int:
        """Tokens of the fullest partition."""
        return -(-context // self.partitions)

    def place(self, index: int) -> tuple[int, int]:
        """(bank, row) of a head's ``index``-th MAC, rows counted from its first."""
        banks, columns, groups = self.counts[3], self.columns, self.groups
        if self.level == "bank":
            return 0, index // columns
        if self.level == "bankgroup":
            return index // columns % banks, index // (columns * banks)
        visits = index // groups
        return index % groups * banks + visits // columns % banks, visits // (columns * banks)

    def rows_of(self, macs: int) -> int:
        """Rows of each bank that ``macs`` MACs of a head read."""
        return self.place(macs - 1)[1] + 1 if macs else 0

    @property
    def abreast(self) -> int:
        """Addresses that neighbouring MACs take in turn: the bank groups of a pseudo-channel, or one."""
        return self.groups if self.level == "buffer" else 1

    @property
    def senders(self) -> int:
        """Bank groups that scores come from and weights go to, one move each."""
        return 1 if self.level == "buffer" else self.groups


def gemv_array(dram: Dram, channels: int, level: Level, element_bytes: int) -> GemvArray:
    """The units of ``channels`` channels of ``dram``. Raises MappingError for a standard that has none."""
    organization = dram.organization
    missing = [name for name in (MACS[level], *MOVES) if name not in dram.commands]
    if missing:
        raise MappingError(
            f"{dram.name} has no GEMV units at {level} level: it lacks the commands {', '.join(missing)}"
        )
    if tuple(organization.levels) != LEVELS:
        found = ", ".join(organization.levels)
        raise MappingError(f"{dram.name}: GEMV units need the levels {', '.join(LEVELS)}, not {found}")
    burst = organization.burst_bytes
    if burst % element_bytes:
        raise MappingError(
            f"{dram.name}: a column of {burst} bytes is no whole number of {element_bytes}-byte elements"
        )
    pseudochannels, sids, groups, banks = organization.levels.values()
    array = GemvArray(
        level=level,
        channels=channels,
        lanes=burst // element_bytes,
        columns=organization.row_bytes // burst,
        rows=organization.rows,
        counts=(pseudochannels, sids, groups, banks),
        mac_bytes=dram.commands[MACS[level]].internal_bytes,
    )
    if array.mac_bytes != array.partitions * array.sharing * burst:
        raise MappingError(f"{dram.name}: {array.mac} moves {array.mac_bytes} bytes, not a column of each unit")
    return array
