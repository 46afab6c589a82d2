"""What an artifact's evaluation gives of a `Result`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from simulator.metrics.result import Energy


@dataclass(frozen=True)
class Figures:
    """The parts of a result that an artifact has figures for; ``headline``: fields that are one number, and latency."""

    headline: Mapping[str, Any]
    time_ps: int
    time_by_op_kind_s: dict[str, dict[str, float]]
    energy: Energy
    energy_by_op_kind_j: dict[str, dict[str, float]]
    assumptions: tuple[str, ...]
    commands: dict[str, int]
