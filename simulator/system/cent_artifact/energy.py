"""Energy in mJ as the artifact counts it for one run of a block's program on one device.

Its defects are kept: standby is divided by the channels twice, PCIe is charged per element, an all-bank read of sums
counts as one read, refresh does not exist.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from simulator.config.compat_schema import CentArtifact
from simulator.mapping.cent.layout import BURST_ELEMENTS, CHANNELS, BlockShape
from simulator.system.cent_artifact.latency import program_ms
from simulator.system.cent_artifact.runs import Counts

BURST_BITS = 256
BANKS = 16
INTERNAL = ("MACpb", "MACab", "AFab", "EWMULab", "RDCP", "WRCP")
ON_PINS = ("RD", "WR", "WRGB", "RDMACab", "RDAFab", "WRMACab", "WRAab")
MJ_PER_PJ = 1e-9

CLASS_OF = {
    "activate": "dram_array", "read": "dram_array", "write": "dram_array", "mac": "dram_array",
    "standby": "static", "pins": "dram_io", "pcie": "link", "controllers": "compute", "sram_static": "static",
    "sram": "sram", "accelerators": "compute", "control": "static",
}  # fmt: skip
"""Part of the energy -> its class in a result."""


@dataclass(frozen=True)
class Work:
    """What goes through the controller beside the program: the block's sizes, the context, elements over PCIe."""

    shape: BlockShape
    context: int
    pcie_elements: int


def energy_mj(artifact: CentArtifact, counts: Counts, work: Work) -> dict[str, float]:
    """By part, as `CLASS_OF` names them."""
    return _dram(artifact, counts) | _controller(artifact, counts, work)


def _sum(commands: Mapping[str, int], names: tuple[str, ...]) -> int:
    return sum(commands.get(name, 0) for name in names)


def _dram(artifact: CentArtifact, counts: Counts) -> dict[str, float]:
    power, n = artifact.power, counts.commands
    opened = n.get("ACT", 0) + 4 * n.get("ACT4", 0) + BANKS * n.get("ACTab", 0)
    reads = _sum(n, ("RDCP", "RD", "RDMACab", "RDAFab")) + BANKS * n.get("AFab", 0)
    writes = _sum(n, ("WRCP", "WR", "WRMACab")) + BANKS * n.get("WRAab", 0)
    macs = n.get("MACpb", 0) / BANKS + n.get("MACab", 0) + n.get("EWMULab", 0) / 4
    standby = power.active_standby_mw * counts.active_ticks + power.precharged_standby_mw * counts.precharged_ticks
    return {
        "activate": power.activate_mw * opened * power.activate_ns * MJ_PER_PJ,
        "read": power.read_mw * reads * power.burst_ns * MJ_PER_PJ,
        "write": power.write_mw * writes * power.burst_ns * MJ_PER_PJ,
        "mac": 3 * power.read_mw * macs * power.mac_ns * MJ_PER_PJ,
        "standby": standby / CHANNELS / (artifact.clock_mhz * 1e6),
        "pins": power.pin_pj_per_bit * BURST_BITS * _sum(n, ON_PINS) * MJ_PER_PJ,
    }


def _controller(artifact: CentArtifact, counts: Counts, work: Work) -> dict[str, float]:
    power, n, shape = artifact.power, counts.commands, work.shape
    cycle = 1 / (artifact.clock_mhz * 1e6)
    seconds = program_ms(counts.ticks, artifact) / 1e3
    steps = _sum(n, INTERNAL) + _sum(n, ON_PINS)
    controllers = (power.transaction_mw * steps + power.phy_mw * sum(n.values())) / power.channels_per_controller
    buffers = CHANNELS * power.global_buffer_mw[0] + power.shared_buffer_mw[0] + power.instruction_buffer_mw[0]
    units = CHANNELS * (power.reduction_mw[0] + power.exponent_mw[0] + power.vector_mw[0])
    scores = work.context * shape.n_heads / BURST_ELEMENTS
    return {
        "pcie": work.pcie_elements * artifact.link.energy_pj_per_bit * MJ_PER_PJ,
        "controllers": controllers * cycle,
        "sram_static": (buffers + units) * seconds,
        "sram": _sram(artifact, counts, shape, scores) * cycle,
        "accelerators": _accelerators(artifact, shape, scores) * cycle,
        "control": power.control_activity * sum(power.control_mw) * seconds,
    }


def _sram(artifact: CentArtifact, counts: Counts, shape: BlockShape, scores: float) -> float:
    """Power in mW x cycles of accesses to global, shared and instruction buffers."""
    power, n = artifact.power, counts.commands
    words = shape.d_model / BURST_ELEMENTS / BURST_ELEMENTS
    rotated = (1 + 1 / shape.shared) * shape.d_model
    _, read, write = power.shared_buffer_mw
    shared = 2 * (words + 2) * (2 * read + write)
    shared += (scores * 3 + shape.n_heads * 2) * read + (scores * 2 + shape.n_heads * 2) * write
    shared += rotated / BURST_ELEMENTS * (read + 2 * write)
    instructions = counts.instructions + 2 * (words + 2) + scores * 2 + shape.n_heads * 2 + rotated
    in_banks = power.global_buffer_mw[1] * n.get("WRCP", 0) + power.global_buffer_mw[2] * _sum(n, ("WRGB", "RDCP"))
    return in_banks + shared + instructions * power.instruction_buffer_mw[1]


def _accelerators(artifact: CentArtifact, shape: BlockShape, scores: float) -> float:
    """Power in mW x cycles of cores, reduction trees, exponent units and adders."""
    power, cycles = artifact.power, artifact.accelerators
    words = shape.d_model / BURST_ELEMENTS / BURST_ELEMENTS
    core = 2 * cycles.norm_cycles + shape.n_heads * cycles.softmax_core_cycles_per_head
    core += (1 + 1 / shape.shared) * shape.d_model * cycles.rotary_cycles_per_element
    return (
        core * power.core_mw
        + (2 + shape.n_heads) * power.reduction_mw[1]
        + scores * power.exponent_mw[1]
        + (2 * words + scores) * power.vector_mw[1]
    )
