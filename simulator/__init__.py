"""nearbank: a cycle-level simulator of LLM inference on near-memory hardware.

The public names; everything else may change. They are imported when first used, so that the command line starts fast.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from simulator.api import load_arch, load_workload, simulate, sweep
    from simulator.errors import (
        CapacityError,
        ConfigError,
        ConservationError,
        MappingError,
        SimulationStalled,
        SimulatorError,
        TimingViolation,
        TraceError,
        WorkloadError,
    )
    from simulator.metrics.result import Result

__all__ = [
    "CapacityError",
    "ConfigError",
    "ConservationError",
    "MappingError",
    "Result",
    "SimulationStalled",
    "SimulatorError",
    "TimingViolation",
    "TraceError",
    "WorkloadError",
    "load_arch",
    "load_workload",
    "simulate",
    "sweep",
]

_HOME = {
    "Result": "simulator.metrics.result",
    "load_arch": "simulator.api",
    "load_workload": "simulator.api",
    "simulate": "simulator.api",
    "sweep": "simulator.api",
}
"""Module of each public name that is not an error."""


def __getattr__(name: str) -> Any:
    """Import a public name on first use."""
    if name not in __all__:
        raise AttributeError(f"module 'simulator' has no attribute '{name}'")
    value = getattr(import_module(_HOME.get(name, "simulator.errors")), name)
    globals()[name] = value
    return value
