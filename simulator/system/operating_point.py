"""The operating point of a stack: the refresh rate and speed that agree with the temperature they lead to.

A run gives heat, heat gives temperatures, and these say how often the memory has to refresh and how fast the stack may
go, which changes the run. Points are tried in order, at each speed first with the normal refresh rate and then with the
high one, and the first that agrees with its own temperatures is taken; so the search ends.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from simulator.config.dram_schema import Dram
from simulator.config.platform_schema import ComponentSpec, Platform
from simulator.errors import ConfigError
from simulator.mapping.layout import Layout
from simulator.metrics.collect import Collector
from simulator.metrics.energy import PS_PER_S
from simulator.metrics.result import Thermal as ThermalResult
from simulator.metrics.thermal import Stack, SteadyState, TemperatureTrace
from simulator.system.builder import System, build_system
from simulator.units.thermal import Thermal, ThermalSpec

REFRESH_INTERVALS = ("nREFI", "tREFI_ps")
FULL_SPEED = 1.0
HOT_REFRESH_FACTOR = 2


@dataclass(frozen=True)
class Ran:
    """A run that has ended: what ran, where its data lay, what was seen, and what was taken for granted."""

    system: System
    layout: Layout
    collector: Collector
    assumptions: tuple[str, ...] = ()


@dataclass(frozen=True)
class OperatingPoint:
    """``refresh_factor``: refreshes over those at normal temperature. ``step``: throttling steps taken, 0 for none."""

    refresh_factor: int = 1
    step: int = 0

    def speed(self, spec: ThermalSpec) -> float:
        """The share of full speed."""
        return spec.throttle.steps[self.step - 1] if self.step else FULL_SPEED


@dataclass(frozen=True)
class Found:
    """The platform at its operating point, its run there, and what the result says of it."""

    platform: Platform
    ran: Ran
    thermal: ThermalResult
    static_power_w: Mapping[str, Mapping[str, float]]


def thermal_spec(platform: Platform) -> ThermalSpec | None:
    """The thermal description of ``platform``, if it has one."""
    return next((spec for spec in platform.components.values() if isinstance(spec, ThermalSpec)), None)


def find_operating_point(platform: Platform, spec: ThermalSpec, run: Callable[[Platform], Ran]) -> Found:
    """Run ``platform`` until refresh and speed agree with the temperatures."""
    point, runs = OperatingPoint(), 0
    while True:
        slowed = at(platform, spec, point)
        ran, runs = run(slowed), runs + 1
        stack = stack_of(ran.system)
        state = steady_state(stack, ran)
        wanted = _next(stack, point, state)
        if wanted == point:
            static_w = stack.static_w(state.temperature_c, ran.system.static_power_w())
            return Found(slowed, ran, _result(spec, point, state, runs), static_w)
        point = wanted


def stack_of(system: System) -> Stack:
    """The thermal network of a system that has one."""
    return Stack(next(c for c in system.components.values() if isinstance(c, Thermal)))


def temperature_trace(platform: Platform) -> TemperatureTrace:
    """An observer of the temperatures of one run of ``platform``. Raises ConfigError when it has no thermal part."""
    if thermal_spec(platform) is None:
        raise ConfigError(f"{platform.name} has no component of the kind 'thermal', so it has no temperatures")
    system = build_system(platform)
    tables = {name: component.energy_table() for name, component in system.components.items()}
    return TemperatureTrace(stack_of(system), tables, system.static_power_w())


def steady_state(stack: Stack, ran: Ran) -> SteadyState:
    """The temperatures under the average power of the whole run."""
    stage_ps = ran.collector.tokens.stage_ps()
    seconds = sum(stage_ps.values()) / PS_PER_S
    tables = {name: component.energy_table() for name, component in ran.system.components.items()}
    report = ran.collector.energy.report(tables, {}, stage_ps)
    dynamic_w: dict[tuple[str, str], float] = {}
    for row in report.rows:
        key = (row.component, row.energy_class)
        dynamic_w[key] = dynamic_w.get(key, 0.0) + row.joules / seconds
    return stack.settle(dynamic_w, ran.system.static_power_w())


def _next(stack: Stack, point: OperatingPoint, state: SteadyState) -> OperatingPoint:
    refresh, throttle = stack.spec.refresh, stack.spec.throttle
    if refresh and point.refresh_factor == 1 and state.hottest_c(stack.nodes_of[refresh.dies]) > refresh.above_c:
        return replace(point, refresh_factor=HOT_REFRESH_FACTOR)
    hot = state.hottest_c() > throttle.above_c or not state.converged
    if hot and throttle.policy == "steps" and point.step < len(throttle.steps):
        return OperatingPoint(step=point.step + 1)
    return point


def at(platform: Platform, spec: ThermalSpec, point: OperatingPoint) -> Platform:
    """``platform`` with refresh intervals and speeds of ``point``."""
    components: dict[str, ComponentSpec] = dict(platform.components)
    if spec.refresh and point.refresh_factor > 1:
        memory = components[spec.refresh.memory]
        dram: Dram = memory.dram  # type: ignore[attr-defined]  # the thermal component has checked that it is a memory
        components[spec.refresh.memory] = _with(memory, {"dram": _refreshed(dram, point.refresh_factor)})
    if point.step:
        for name in spec.throttle.components:
            components[name] = _slowed(components[name], point.speed(spec))
    return platform.model_copy(update={"components": components})


def _refreshed(dram: Dram, factor: int) -> Dram:
    timings = {name: t // factor if name in REFRESH_INTERVALS else t for name, t in dram.timings.items()}
    return dram.model_copy(update={"timings": timings})


def _slowed(spec: ComponentSpec, speed: float) -> ComponentSpec:
    key = "pace" if hasattr(spec, "pace") else "clock_mhz"
    return _with(spec, {key: getattr(spec, key) * speed})


def _with(spec: ComponentSpec, values: Mapping[str, Any]) -> ComponentSpec:
    return spec.model_copy(update=values)


def _result(spec: ThermalSpec, point: OperatingPoint, state: SteadyState, runs: int) -> ThermalResult:
    hottest_c = state.hottest_c()
    return ThermalResult(
        ambient_c=spec.ambient_c,
        temperature_c=dict(state.temperature_c),
        power_w=dict(state.power_w),
        hottest_c=hottest_c,
        limit_c=spec.throttle.above_c,
        within_limit=state.converged and hottest_c <= spec.throttle.above_c,
        refresh_factor=point.refresh_factor,
        speed=point.speed(spec),
        converged=state.converged,
        runs=runs,
    )
