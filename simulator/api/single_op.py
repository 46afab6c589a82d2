"""One operator alone, and the choices of the units' mappers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from simulator.api.arch import Arch, build_for
from simulator.api.sizing import sized_for
from simulator.hooks import Hooks

if TYPE_CHECKING:
    from simulator.dram.engines import EngineName
    from simulator.units.base import Component
    from simulator.workload.scenario import Workload


def mappings(arch: Arch, workload: Workload) -> dict[str, dict[str, dict[str, int | str]]]:
    """Stage -> op kind -> what the mappers of ``arch`` choose for ``workload``. Raises MappingError."""
    from simulator.system.mappings import mappings as choices

    arch = sized_for(arch, workload)
    return choices(build_for(arch, Hooks([]), exact=False, engine="compiled"), workload)


def run_op(  # noqa: PLR0913 - what an op is made of, and how to run it
    arch: Arch,
    kind: str,
    shape: tuple[int, int],
    *,
    batch: int = 1,
    exact: bool = False,
    engine: EngineName = "compiled",
) -> dict[str, Any]:
    """One op of ``kind`` on an (outputs, inputs) operand for ``batch`` vectors, alone on ``arch``.

    Gives ``cycles`` (of the unit that runs it; where it has no clock, as links, of the first part that has one),
    ``time_ps``, ``energy_j`` (with static power while it runs), ``bytes`` read and written in the cell arrays,
    ``link_bytes`` over links, ``flops``, ``bound_by``, ``commands``, ``unit`` and ``mapping``. A
    collective runs on all devices of the platform, any other op on one. Raises MappingError, CapacityError.
    """
    from simulator.errors import MappingError
    from simulator.metrics.collect import Collector
    from simulator.system.conservation import Conservation
    from simulator.system.op_capacity import check_op_capacity
    from simulator.system.run import Runner
    from simulator.system.single_op import make_op, single_op_graph
    from simulator.units.hops import CELLS_TO_IO, LINK
    from simulator.workload.collective import CollectiveOp

    collector, conservation = Collector(), Conservation()
    system = build_for(arch, Hooks([*collector.instruments, conservation]), exact=exact, engine=engine)
    system.around.sustained = False
    op = make_op(kind, *shape, batch, arch.spec.devices.count)
    if isinstance(op, CollectiveOp) and not arch.spec.sized:
        raise MappingError(f"devices.count: auto is a number for a workload only; {kind} needs one that is given")
    unit = system.placement.component_for(op)
    check_op_capacity(system, op, system.units[unit])
    devices = arch.spec.devices.count if isinstance(op, CollectiveOp) else 1
    collector.enter_part("decode", 1, devices, 1)
    Runner(system, conservation).step(single_op_graph(op))
    time_ps = system.env.now_ps
    system.around.hooks.token_done(time_ps, 0)
    components = system.components
    report = collector.energy.report(
        {name: component.energy_table() for name, component in components.items()},
        system.static_power_w(devices),
        collector.tokens.stage_ps(),
    )
    return {
        "cycles": math.ceil(time_ps / _clock_ps(components, unit)),
        "time_ps": time_ps,
        "energy_j": report.energy().total,
        "bytes": collector.movement.by_hop().get(CELLS_TO_IO, 0),
        "link_bytes": collector.movement.by_hop().get(LINK, 0),
        "flops": op.flops,
        "bound_by": system.around.limits.bound_by()[op.kind],
        "commands": collector.command_counts.by_name(),
        "unit": unit,
        "mapping": dict(system.units[unit].mapping(op)),
    }


def _clock_ps(components: Mapping[str, Component], unit: str) -> float:
    clocks = (components[unit].clock_ps, *(component.clock_ps for component in components.values()))
    return next((clock for clock in clocks if clock), 1.0)
