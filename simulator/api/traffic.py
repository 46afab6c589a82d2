"""A request stream on a platform."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from simulator.api.arch import Arch, build_for
from simulator.api.facts import facts_of
from simulator.hooks import Hooks, Instrument

if TYPE_CHECKING:
    from simulator.config.platform_schema import Platform
    from simulator.dram.engines import EngineName
    from simulator.metrics.result import Result
    from simulator.system.builder import System
    from simulator.workload.scenario import Workload


def of_traffic(  # noqa: PLR0913 - what a run is made of
    arch: Arch,
    workload: Workload,
    started_s: float,
    *,
    exact: bool,
    engine: EngineName,
    hooks: Sequence[Instrument],
    progress: Callable[[int, int], None] | None,
) -> Result:
    """A request stream in a `Result`."""
    from simulator.errors import ConfigError
    from simulator.metrics.collect import Collector
    from simulator.system.operating_point import Ran, thermal_spec
    from simulator.system.serving.result import result_of
    from simulator.system.serving.run import serve
    from simulator.system.serving.summary import summary

    stream = workload.traffic
    assert stream is not None
    if hooks:
        raise ConfigError("a request stream has no timeline: its steps are put together from simulated ones")
    if arch.spec.compat is not None and arch.spec.compat.on:
        raise ConfigError("compat.cent reproduces published figures, among which there is no traffic")

    def build(platform: Platform, observers: Hooks) -> System:
        return build_for(replace(arch, spec=platform), observers, exact=exact, engine=engine)

    served = serve(arch.spec, workload, build, exact=exact, progress=progress)
    system, spec = build(arch.spec, Hooks([])), stream.spec
    cool = ["traffic: temperatures are not followed; refresh and speed are those of a cool stack"]
    assumptions = (*served.assumptions, *(cool if thermal_spec(arch.spec) else []))
    ran = Ran(system, served.room.layout, Collector(), assumptions)
    facts = facts_of(arch, workload, ran, system.static_power_w())
    result = result_of(served, summary(served, spec.slo, spec.rate_per_s), facts)
    wall = result.provenance.model_copy(update={"wall_s": time.perf_counter() - started_s})
    return result.model_copy(update={"provenance": wall})
