"""Platforms that have as many devices as a workload needs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from simulator.api.arch import Arch, build_for
from simulator.hooks import Hooks

if TYPE_CHECKING:
    from simulator.workload.scenario import Workload


def sized_for(arch: Arch, workload: Workload) -> Arch:
    """``arch`` with numbers for the devices that it leaves open; itself where it leaves none.

    Raises CapacityError or MappingError where no number of devices holds ``workload``.
    """
    if arch.spec.sized:
        return arch
    from simulator.system.device_count import sized

    spec = sized(build_for(arch, Hooks([]), exact=False, engine="compiled"), workload)
    spread = spec.parallelism
    numbers: dict[str, dict[str, Any]] = {
        "devices": {"count": spec.devices.count},
        "parallelism": {"tensor": spread.tensor, "pipeline": spread.pipeline},
    }
    values = arch.values | {key: arch.values.get(key, {}) | found for key, found in numbers.items()}
    return replace(arch, spec=spec, values=values)
