"""The hops that data takes, as `Hooks.transfer` names them: a closed set."""

from __future__ import annotations

CELLS_TO_IO = "cell_array->bank_io"
"""Cell array to the bank's column path (reads, writes and near-bank operands alike)."""
IO_TO_MAC = "bank_io->mac"
"""A bank's column path to its multiply-accumulate unit."""
PINS_TO_CONTROLLER = "pins->controller"
"""Device to memory controller: read bursts and the sums of near-bank units."""
CONTROLLER_TO_PINS = "controller->pins"
"""Memory controller to device: write bursts, near-bank input vectors and start values."""
VERTICAL_BUS = "vertical_bus"
"""Between the DRAM dies and the logic die of a stack, over its vertical wires."""
LINK = "link"
"""Between two components over a link."""
SRAM = "sram"
"""Into and out of an on-chip buffer."""
DRIVE = "drive"
"""Into and out of a drive."""

HOPS = (CELLS_TO_IO, IO_TO_MAC, PINS_TO_CONTROLLER, CONTROLLER_TO_PINS, VERTICAL_BUS, LINK, SRAM, DRIVE)
