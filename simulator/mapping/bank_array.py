"""What the mapper knows of a near-bank part: its banks, multiply-accumulate lanes, buffer and accumulators."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from simulator.config.dram_schema import Dram
from simulator.errors import MappingError

MAC = "MACab"
WRITE_BUFFER = "WRGB"
WRITE_ACCUMULATORS = "WRMACab"
READ_ACCUMULATORS = "RDMACab"
ACTIVATE = "AFab"
READ_ACTIVATED = "RDAFab"
WRITE = "WR"

NEAR_BANK_COMMANDS = (MAC, WRITE_BUFFER, WRITE_ACCUMULATORS, READ_ACCUMULATORS, WRITE)
"""Commands every near-bank part has; ``AFab`` and ``RDAFab`` are needed only for the near-bank activation function."""

ACTIVATION_ROW = 1 << 29
"""Pseudo row that ``AFab`` opens: the table of the activation function."""

Addressing = Literal["column", "free"]


@dataclass(frozen=True)
class BankArray:
    """The near-bank units of all channels of one memory.

    ``elements``: matrix elements in one burst, which is what one bank multiplies and adds per MACab. ``row_bursts``:
    bursts of a DRAM row. ``buffer_bursts``: bursts the channel's global buffer holds. ``accumulators``: partial sums
    each bank keeps.
    ``addressing``: with ``column`` burst i of a row meets burst i of the buffer; with ``free`` any burst of the buffer.
    """

    channels: int
    banks: int
    row_bursts: int
    burst_bytes: int
    elements: int
    rows: int
    buffer_bursts: int
    accumulators: int
    addressing: Addressing

    @property
    def row_elements(self) -> int:
        """Matrix elements in one row of one bank."""
        return self.row_bursts * self.elements

    @property
    def mac_bytes(self) -> int:
        """Bytes all banks of a channel read for one MACab."""
        return self.banks * self.burst_bytes

    def bursts(self, n_elements: int) -> int:
        """Bursts that ``n_elements`` consecutive elements of one bank take."""
        return -(-n_elements // self.elements)


def bank_array(  # noqa: PLR0913 - one argument for each property of the part
    dram: Dram, channels: int, *, element_bytes: int, buffer_bytes: int, accumulators: int, addressing: Addressing
) -> BankArray:
    """The bank array of ``channels`` channels of ``dram``.

    Raises MappingError when the standard lacks a near-bank command, or a buffer cannot hold one row's worth of inputs.
    """
    missing = [name for name in NEAR_BANK_COMMANDS if name not in dram.commands]
    if missing:
        raise MappingError(f"{dram.name} has no near-bank compute: it lacks the commands {', '.join(missing)}")
    organization = dram.organization
    banks = math.prod(organization.levels.values())
    burst = organization.burst_bytes
    if burst % element_bytes:
        raise MappingError(f"{dram.name}: a burst of {burst} bytes is no whole number of {element_bytes}-byte elements")
    if dram.commands[MAC].internal_bytes != banks * burst:
        raise MappingError(
            f"{dram.name}: {MAC} moves {dram.commands[MAC].internal_bytes} bytes, not a burst of each bank"
        )
    if banks * element_bytes > burst:
        raise MappingError(f"{dram.name}: one burst cannot carry the {banks} sums of a channel")
    if buffer_bytes < organization.row_bytes:
        raise MappingError(
            f"the global buffer of {buffer_bytes} bytes is shorter than a row ({organization.row_bytes} bytes)"
        )
    return BankArray(
        channels=channels,
        banks=banks,
        row_bursts=organization.row_bytes // burst,
        burst_bytes=burst,
        elements=burst // element_bytes,
        rows=organization.rows,
        buffer_bursts=buffer_bytes // burst,
        accumulators=accumulators,
        addressing=addressing,
    )
