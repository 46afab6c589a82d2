"""What the YAML of a processor says."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from simulator.config.platform_schema import Calibration
from simulator.units.base import NonNegative, PartSpec, Positive, PositiveInt
from simulator.units.mac_energy import MacEnergy, OperandBits
from simulator.units.processors.power_limit import PowerLimit
from simulator.units.sparsity import SparseMacs, SparsePattern
from simulator.workload.encoding import Number


class SparseWeights(SparseMacs):
    """As `SparseMacs`; ``ops_per_kept``: lane operations for each element kept, to put it in its place."""

    macs: Literal["kept", "dense"]
    ops_per_kept: NonNegative


class ProcessorSpec(PartSpec):
    """What every processor says.

    ``cores`` at ``clock_mhz``, each with ``lanes`` of 32 bits and ``macs_per_clock`` by operand width in bits, share
    ``cache_bytes`` of last-level cache, which gives all of them together ``cache_bytes_per_clock``.
    ``narrow``: the numbers that multiply-adds of fewer than 16 bits take; others are widened. ``sparse``: what the unit
    makes of weights with zeros, by pattern (``2:4``, ``n_m`` for any such, ``unstructured``); without an entry they lie
    and are multiplied with their zeros. ``energy_pj_per_mac``: of all widths, or by width.
    ``memory_latency_ns``: from a core's request to its data, memory idle. ``active_power_w``: what running cores add to
    ``static_power_w``, before the energy of what they do. ``power_limit``: of the board, to which its clock gives way.
    """

    memory: str
    stack: str
    cores: PositiveInt
    clock_mhz: Positive
    lanes: PositiveInt
    macs_per_clock: dict[OperandBits, Positive] = Field(min_length=1)
    narrow: tuple[Number, ...] = ("int",)
    sparse: dict[SparsePattern, SparseWeights] = Field(default_factory=dict)
    cache_bytes: PositiveInt
    cache_bytes_per_clock: Positive
    memory_latency_ns: NonNegative
    energy_pj_per_mac: MacEnergy
    energy_pj_per_lane_op: NonNegative
    energy_pj_per_cache_byte: NonNegative
    active_power_w: NonNegative
    static_power_w: NonNegative
    power_limit: PowerLimit | None = None
    calibrations: tuple[Calibration, ...] = ()
