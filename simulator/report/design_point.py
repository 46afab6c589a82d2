"""A resolved platform as data: its parts, what they can do at most, and what its figures rest on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simulator.metrics.area import die_area
from simulator.report.command_roles import role
from simulator.system.builder import build_system
from simulator.units.channel_gemv import ChannelGemv
from simulator.units.hbm_pim import HbmPim
from simulator.units.matrix import Matrix
from simulator.units.memory import Memory
from simulator.units.near_bank import NearBank
from simulator.units.processors.processor import Processor
from simulator.units.storage import Storage
from simulator.units.vector import Vector

if TYPE_CHECKING:
    from simulator.config.platform_schema import Platform
    from simulator.units.base import Component

FLOPS_PER_MAC = 2


def describe(platform: Platform) -> dict[str, Any]:
    """Parts with their peak figures: ``bytes_per_s`` by the hop they bound, ``flops_per_s``, ``capacity_bytes``.

    ``area_mm2``: of all devices together; None where their number is left to the workload. Of processors
    ``flops_per_s_by_bits``, by the width of the operands.
    """
    system, area = build_system(platform), die_area(platform)
    return {
        "name": platform.name,
        "family": platform.family,
        "description": platform.description,
        "source": platform.source,
        "devices": platform.devices.wanted,
        "parallelism": platform.parallelism.model_dump(by_alias=True),
        "placement": platform.placement.model_dump(),
        "layout": platform.layout,
        "area_mm2": area.total_mm2 if platform.sized else None,
        "components": {
            name: _part(component, area.by_component_mm2.get(name)) for name, component in system.components.items()
        },
        "assumptions": list(platform.assumptions),
        "calibrations": [calibration.model_dump() for calibration in platform.calibrations],
    }


def _part(component: Component, area_mm2: float | None) -> dict[str, Any]:
    part: dict[str, Any] = {
        "kind": component.role,
        "description": component.spec.description,
        "values": component.spec.model_dump(
            mode="json", exclude={"kind", "name", "description", "source", "sources", "dram"}
        ),
        "source": component.spec.source,
        "static_power_w": sum(component.static_power_w().values()),
        "area_mm2": area_mm2,
        "assumptions": list(component.assumptions()),
    }
    ceilings = {" and ".join(hops): bytes_per_s for hops, bytes_per_s in component.ceilings()}
    flops_per_s = _flops_per_s(component)
    if ceilings:
        part["bytes_per_s"] = ceilings
    if flops_per_s is not None:
        part["flops_per_s"] = flops_per_s
    if isinstance(component, Processor):
        part["flops_per_s_by_bits"] = component.flops_per_s_by_bits
    if isinstance(component, Storage):
        part["capacity_bytes"] = component.store.capacity_bytes
    if isinstance(component, Memory):
        dram = component.spec.dram
        part["dram"] = dram.model_dump(mode="json", by_alias=True, exclude={"constraints", "commands"}) | {
            "roles": {name: role(name, dram) for name in dram.commands},
            "refresh": _refresh(component),
        }
    return part


def _refresh(memory: Memory) -> dict[str, Any] | None:
    """The refresh command, how long it keeps a rank from working, and the ranks of all channels; None without."""
    engine = memory.engine
    if not engine.interval:
        return None
    return {
        "command": engine.refresh_command,
        "time_ps": engine.to_ps(engine.refresh_ticks),
        "ranks": engine.ranks * memory.spec.channels,
    }


def _flops_per_s(component: Component) -> float | None:
    """Peak arithmetic rate of a part; None for one that does not compute, or whose model does not say."""
    if isinstance(component, Matrix):
        return component.flops_per_s
    if isinstance(component, Vector):
        return component.spec.lanes * component.spec.clock_mhz * 1e6
    if isinstance(component, NearBank | HbmPim | ChannelGemv):
        # The units take operands from the banks at the rate of back-to-back all-bank commands; each element is one MAC.
        operand_bytes_per_s = component.memory.ceilings()[-1][1]
        return FLOPS_PER_MAC * operand_bytes_per_s / component.spec.element_bytes
    return None
