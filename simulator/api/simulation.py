"""A workload on a platform."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from simulator.api.arch import Arch, build_for, check_devices
from simulator.api.artifact import of_artifact
from simulator.api.facts import facts_of
from simulator.api.sizing import sized_for
from simulator.api.traffic import of_traffic
from simulator.hooks import Hooks, Instrument

if TYPE_CHECKING:
    from simulator.config.platform_schema import Platform
    from simulator.dram.engines import EngineName
    from simulator.metrics.result import Result
    from simulator.system.operating_point import Ran
    from simulator.workload.scenario import Workload


def load_workload(ref: str | Path, overrides: Iterable[str] = ()) -> Workload:
    """The scenario called ``ref`` (a name or a path) with ``overrides``. Raises ConfigError, WorkloadError."""
    from simulator.workload.scenario import load_workload as load

    return load(ref, overrides)


def simulate(  # noqa: PLR0913 - what a run is made of, and how to run it
    arch: Arch,
    workload: Workload,
    *,
    exact: bool = False,
    engine: EngineName = "compiled",
    hooks: Sequence[Instrument] = (),
    progress: Callable[[int, int], None] | None = None,
) -> Result:
    """Run ``workload`` on ``arch``.

    ``exact`` turns off every declared approximation. ``engine``: what runs the DRAM channels; ``reference`` is SimPy
    with one event per command, which gives the same result some hundred times slower. ``hooks`` observe the run.
    ``progress(done, total)`` is called after each token. Raises ConfigError, MappingError, CapacityError,
    SimulationStalled, ConservationError; TypeError for names in place of what `load_arch` and `load_workload` give.
    """
    from simulator.system.methods import check_methods
    from simulator.system.operating_point import find_operating_point, thermal_spec
    from simulator.workload.scenario import Workload

    for given, wanted, load in ((arch, Arch, "load_arch"), (workload, Workload, "load_workload")):
        if not isinstance(given, wanted):
            raise TypeError(f"simulate takes what {load} gives, not {given!r:.60}")
    started_s = time.perf_counter()
    check_methods(arch.spec, workload)
    arch = sized_for(arch, workload)
    check_devices(arch)
    if workload.traffic is not None:
        return of_traffic(arch, workload, started_s, exact=exact, engine=engine, hooks=hooks, progress=progress)
    if arch.spec.compat is not None and arch.spec.compat.on:
        return of_artifact(arch, workload, progress, started_s)

    def run(platform: Platform, observers: Sequence[Instrument] = ()) -> Ran:
        at_point = replace(arch, spec=platform)
        return _run(at_point, workload, exact=exact, engine=engine, hooks=observers, progress=progress)

    spec = thermal_spec(arch.spec)
    if spec is None:
        ran = run(arch.spec, hooks)
        facts = facts_of(arch, workload, ran, ran.system.static_power_w())
    else:
        watching = [hook for hook in hooks if hook.restarts]
        found = find_operating_point(arch.spec, spec, lambda platform: run(platform, watching))
        ran = run(found.platform, hooks) if len(watching) < len(hooks) else found.ran
        facts = replace(facts_of(arch, workload, ran, found.static_power_w), thermal=found.thermal)
    return ran.collector.result(replace(facts, wall_s=time.perf_counter() - started_s))


def _run(  # noqa: PLR0913 - what a run is made of
    arch: Arch,
    workload: Workload,
    *,
    exact: bool,
    engine: EngineName,
    hooks: Sequence[Instrument],
    progress: Callable[[int, int], None] | None,
) -> Ran:
    """One run of ``workload`` on ``arch`` as it is."""
    from simulator.metrics.collect import Collector
    from simulator.system.capacity import check_capacity
    from simulator.system.conservation import Conservation
    from simulator.system.methods import with_methods
    from simulator.system.operating_point import Ran
    from simulator.system.parallel import ParallelRunner
    from simulator.system.run import Runner

    collector, conservation = Collector(arch.spec.devices.count), Conservation()
    platform, notes = with_methods(arch.spec, workload)
    arch = replace(arch, spec=platform)
    system = build_for(arch, Hooks([*collector.instruments, conservation, *hooks]), exact=exact, engine=engine)
    system.around.notes |= dict.fromkeys(notes)
    layout = check_capacity(system, workload)
    tables = {name: component.energy_table() for name, component in system.components.items()}
    system.around.hooks.run_started(tables, system.static_power_w(1))
    runner = Runner(system, conservation)
    if arch.spec.devices.count == 1:
        runner.workload(workload, collector.enter, progress)
        return Ran(system, layout, collector)
    parallel = ParallelRunner(system, runner, workload, collector.enter_part)
    parallel.run(progress)
    return Ran(system, layout, collector, parallel.assumptions())
