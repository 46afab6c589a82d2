"""What a result says beside its tallies: who ran, at which prices, and what the figures rest on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from simulator.api.arch import Arch

if TYPE_CHECKING:
    from simulator.metrics.collect import RunFacts
    from simulator.metrics.result import Identity
    from simulator.system.builder import System
    from simulator.system.operating_point import Ran
    from simulator.workload.scenario import Workload


def identities(arch: Arch, workload: Workload) -> dict[str, Identity]:
    """The fields ``arch`` and ``workload`` of a result."""
    from simulator.metrics.result import Identity

    return {
        "arch": Identity(name=arch.name, content_hash=arch.content_hash, values=arch.values),
        "workload": Identity(name=workload.name, content_hash=workload.content_hash, values=workload.values()),
    }


def facts_of(arch: Arch, workload: Workload, ran: Ran, static_w: Mapping[str, Mapping[str, float]]) -> RunFacts:
    """What the tallies of ``ran`` need to become a result. ``static_w``: component -> energy class -> W."""
    from simulator.metrics.area import die_area
    from simulator.metrics.collect import RunFacts
    from simulator.metrics.result import Capacity
    from simulator.system.mappings import mappings
    from simulator.workload.quality import of_workload

    system, components = ran.system, ran.system.components
    who = identities(arch, workload)
    return RunFacts(
        arch=who["arch"],
        workload=who["workload"],
        batch=workload.batch,
        energy_tables={name: component.energy_table() for name, component in components.items()},
        static_power_w=static_w,
        clock_ps={name: component.clock_ps for name, component in components.items() if component.clock_ps},
        side_by_side=[name for name, component in components.items() if component.side_by_side],
        blocks=workload.model.n_layers if arch.spec.devices.count == 1 else 0,
        bound_by=system.around.limits.bound_by(),
        capacity=Capacity(needed_bytes=ran.layout.needed_bytes, available_bytes=ran.layout.available_bytes),
        quality={
            metric: (figure.value, f"{figure.recipe} ({figure.how}; {figure.source})")
            for metric, figure in of_workload(workload).items()
        },
        area=die_area(arch.spec),
        mapping={} if workload.traffic is not None else mappings(system, workload),
        assumptions=(*ran.assumptions, *_assumptions(arch, system, workload)),
        calibrations=tuple(calibration.model_dump() for calibration in arch.calibrations()),
        config_hashes=arch.files | dict(workload.files),
        seed=workload.seed,
        events=system.env.events,
    )


def _assumptions(arch: Arch, system: System, workload: Workload) -> tuple[str, ...]:
    alone = arch.spec.devices.count == 1
    used = [c for c in system.components.values() if not (alone and c.role == "fabric")]
    models = [text for component in used for text in component.assumptions()]
    sampled = (
        [f"workload: only every {workload.sample_every}th decode step is simulated; the rest is interpolated"]
        if workload.sample_every > 1
        else []
    )
    methods = [f"optimizations.{method.key}: {text}" for method in workload.methods for text in method.assumptions()]
    return (*arch.spec.assumptions, *models, *methods, *system.around.notes, *sampled, *arch.guesses())
