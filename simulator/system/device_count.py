"""As many devices as a workload needs, where a platform leaves that open (``devices.count: auto``)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import count

from simulator.config.platform_schema import Devices, Platform
from simulator.errors import CapacityError, MappingError
from simulator.system.builder import System
from simulator.system.capacity import check_capacity, needed_and_available
from simulator.workload.scenario import Workload

FRUITLESS = 64
"""Sizes in a row, each with room for all bytes, after which none is expected any more that fits."""


def sized(system: System, workload: Workload) -> Platform:
    """The platform of ``system`` with the fewest devices that hold ``workload``, which an assumption says.

    Where only their spread is open, it is worked out from their count. Raises CapacityError or MappingError where no
    number of devices does.
    """
    platform, layers = system.platform, workload.model.n_layers
    if platform.sized:
        return platform
    if platform.devices.wanted == "auto":
        found, how = _fewest(system, workload), "the fewest that hold the workload"
    else:
        found, how = _spread(platform, layers), "as given"
    spread = found.parallelism
    along = f" x sequence {spread.sequence}" if spread.sequence > 1 else ""
    note = (
        f"devices: {found.devices.count}, {how}, as tensor {spread.tensor}{along} x pipeline {spread.pipeline} x data "
        f"{spread.data}"
    )
    return found.model_copy(update={"assumptions": (*found.assumptions, note)})


def _fewest(system: System, workload: Workload) -> Platform:
    """The first size that has room for all bytes, and that policy and layout take."""
    platform = system.platform
    least = _least(system, workload)
    candidate, failures = platform, 0
    for tensor, pipeline in _sizes(platform, workload.model.n_layers):
        candidate = _of(platform, tensor, pipeline)
        if tensor * pipeline * platform.parallelism.sequence < least:
            continue
        if failures == FRUITLESS:
            break
        if _holds(system, candidate, workload):
            return candidate
        failures += 1
    # Nothing fits: the largest says what would.
    check_capacity(replace(system, platform=candidate), workload)
    raise MappingError(f"devices.count: no number of devices holds {workload.name}")


def _holds(system: System, candidate: Platform, workload: Workload) -> bool:
    try:
        check_capacity(replace(system, platform=candidate), workload)
    except (CapacityError, MappingError):
        return False
    return True


def _least(system: System, workload: Workload) -> int:
    """Devices whose memories together have the bytes of one copy of the model with its sequences.

    One where copies share experts: less than all bytes of a copy lie on its devices.
    """
    spread, copies = system.platform.parallelism, system.platform.parallelism.data
    if spread.expert > 1:
        return 1
    plain = system.platform.model_copy(update={"parallelism": spread.model_copy(update={"sequence": 1})})
    alone = replace(system, platform=_of(plain, 1, 1, data=1))
    needed, available = needed_and_available(alone, replace(workload, batch=-(-workload.batch // copies)))
    return -(-needed // available)


def _sizes(platform: Platform, layers: int) -> Iterator[tuple[int, int]]:
    """(tensor, pipeline) from the smallest on, in whole units of devices."""
    spread, unit = platform.parallelism, platform.devices.multiple_of
    if spread.wanted_tensor == "auto":
        pipeline = layers if spread.wanted_pipeline == "auto" else spread.pipeline
        sizes: Iterator[tuple[int, int]] = ((tensor, pipeline) for tensor in count(1))
    elif spread.wanted_pipeline == "auto":
        sizes = ((spread.tensor, pipeline) for pipeline in range(1, layers + unit))
    else:
        sizes = iter([(spread.tensor, spread.pipeline)])
    return (size for size in sizes if size[0] * size[1] * spread.sequence * spread.data % unit == 0)


def _spread(platform: Platform, layers: int) -> Platform:
    """The platform with its count of devices dealt out to what is open."""
    spread = platform.parallelism
    group = max(1, platform.devices.count // (spread.data * spread.sequence))
    pipeline = spread.pipeline
    if spread.wanted_pipeline == "auto":
        pipeline = _stages(group, layers) if spread.wanted_tensor == "auto" else max(1, group // spread.tensor)
    tensor = max(1, group // pipeline) if spread.wanted_tensor == "auto" else spread.tensor
    return _of(platform, tensor, pipeline, devices=platform.devices.count)


def _stages(group: int, layers: int) -> int:
    """The most stages of equal numbers of devices; equal numbers of blocks come first."""
    return max((n for n in range(1, min(group, layers) + 1) if group % n == 0), key=lambda n: (layers % n == 0, n))


def _of(platform: Platform, tensor: int, pipeline: int, *, data: int | None = None, devices: int = 0) -> Platform:
    spread = platform.parallelism.model_copy(
        update={"wanted_tensor": tensor, "wanted_pipeline": pipeline, "data": data or platform.parallelism.data}
    )
    number = devices or tensor * spread.sequence * pipeline * spread.data
    return platform.model_copy(
        update={"devices": Devices(count=number, multiple_of=platform.devices.multiple_of), "parallelism": spread}
    )
