"""The library's front door: load a platform and a workload, simulate, get a `Result`."""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simulator.hooks import Hooks, Instrument

if TYPE_CHECKING:
    import pandas as pd

    from simulator.config.loader import Document
    from simulator.config.platform_schema import Calibration, Platform
    from simulator.dram.engines import EngineName
    from simulator.errors import ConfigError
    from simulator.explore.outcome import Figures
    from simulator.explore.plan import Plan
    from simulator.explore.points import Catalog, Point
    from simulator.metrics.collect import RunFacts
    from simulator.metrics.result import Identity, Result
    from simulator.system.builder import System
    from simulator.system.operating_point import Ran
    from simulator.units.base import Component
    from simulator.workload.scenario import Workload


EVALUATE = "simulator.api:evaluate_point"
"""What the worker processes of a sweep call."""


@dataclass(frozen=True)
class Arch:
    """A resolved platform: its spec, the plain data it was built from, and the files read (name -> SHA-256)."""

    spec: Platform
    values: dict[str, Any]
    files: dict[str, str]
    document: Document | None = field(default=None, repr=False, compare=False)
    """Where the values came from, so that errors found late can say so."""

    @property
    def name(self) -> str:
        """The platform's name."""
        return self.spec.name

    @property
    def content_hash(self) -> str:
        """SHA-256 of the resolved values."""
        return hashlib.sha256(json.dumps(self.values, sort_keys=True).encode()).hexdigest()

    def calibrations(self) -> tuple[Calibration, ...]:
        """The platform's own and those of its parts."""
        parts = [found for part in self.spec.components.values() for found in getattr(part, "calibrations", ())]
        return (*self.spec.calibrations, *parts)

    def guesses(self) -> tuple[str, ...]:
        """One line for each value or block whose source says that it is assumed, as far as the platform uses it.

        A single device does not use its fabric.
        """
        from simulator.config.guesses import guesses

        alone = self.spec.devices.count == 1
        parts = {
            name: component
            for name, component in self.values["components"].items()
            if not (alone and component["kind"] == "fabric")
        }
        blocks = [f"{path}: assumed" for path in guesses(self.values | {"components": parts})]
        keys = [
            f"components.{name}.{key}: {source}"
            for name, component in parts.items()
            for key, source in component.get("sources", {}).items()
            if source.strip().lower().startswith("assumed")
        ]
        return (*blocks, *keys)


def load_arch(ref: str | Path, overrides: Iterable[str] = ()) -> Arch:
    """The platform called ``ref`` (a name or a path) with ``overrides``, each ``key.path=value``.

    Raises ConfigError.
    """
    import simulator.units  # noqa: F401 - fills the registry of component kinds
    from simulator.config.loader import build, load_document
    from simulator.config.platform_schema import Platform

    document = load_document(ref, expected_kind="platform", overrides=overrides)
    spec = build(document, Platform)
    _check_policies(document, spec)
    _check_areas(document, spec)
    return Arch(spec, document.data, document.files, document)


def _check_areas(document: Document, spec: Platform) -> None:
    """Every count of silicon can be computed, which needs all components."""
    from simulator.errors import ConfigError
    from simulator.metrics.area import die_area

    try:
        die_area(spec)
    except ConfigError as error:
        raise _located(document, error) from None


def _located(document: Document, error: ConfigError) -> ConfigError:
    """``error`` with the place in ``document`` that its key names."""
    steps = [int(step) if step.isdecimal() else step for step in error.key.split(".")]
    return document.locate(steps).error(error.message, error.key)


def _check_policies(document: Document, spec: Platform) -> None:
    """The names of policies exist, which only the layers above the schema can know."""
    from simulator.mapping.layout import layouts
    from simulator.mapping.parallel import parallel_policies
    from simulator.mapping.placement import placements

    for registry, path, name in (
        (layouts, ("layout",), spec.layout),
        (placements, ("placement", "policy"), spec.placement.policy),
        (parallel_policies, ("parallelism", "policy"), spec.parallelism.policy),
    ):
        if name not in registry:
            raise document.locate(path).error(registry.unknown(name), ".".join(path))


def _build(arch: Arch, hooks: Hooks, *, exact: bool, engine: EngineName) -> System:
    """The system of ``arch``; faults of its wiring are located in its document."""
    from simulator.errors import ConfigError
    from simulator.system.builder import build_system

    try:
        return build_system(arch.spec, exact=exact, engine=engine, hooks=hooks)
    except ConfigError as error:
        if error.file is not None or arch.document is None:
            raise
        raise _located(arch.document, error) from None


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
    ``progress(done, total)`` is called after each token. Raises MappingError, CapacityError, SimulationStalled,
    ConservationError.
    """
    from simulator.system.operating_point import find_operating_point, thermal_spec

    started_s = time.perf_counter()
    if workload.traffic is not None:
        return _of_traffic(arch, workload, started_s, exact=exact, engine=engine, hooks=hooks, progress=progress)
    if arch.spec.compat is not None and arch.spec.compat.on:
        return _of_artifact(arch, workload, progress, started_s)

    def run(platform: Platform, observers: Sequence[Instrument] = ()) -> Ran:
        at_point = replace(arch, spec=platform)
        return _run(at_point, workload, exact=exact, engine=engine, hooks=observers, progress=progress)

    spec = thermal_spec(arch.spec)
    if spec is None:
        ran = run(arch.spec, hooks)
        facts = _facts(arch, workload, ran, ran.system.static_power_w())
    else:
        found = find_operating_point(arch.spec, spec, run)
        ran = run(found.platform, hooks) if hooks else found.ran
        facts = replace(_facts(arch, workload, ran, found.static_power_w), thermal=found.thermal)
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
    system = _build(arch, Hooks([*collector.instruments, conservation, *hooks]), exact=exact, engine=engine)
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


def _of_traffic(  # noqa: PLR0913 - what a run is made of
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
        return _build(replace(arch, spec=platform), observers, exact=exact, engine=engine)

    served = serve(arch.spec, workload, build, exact=exact, progress=progress)
    system, spec = build(arch.spec, Hooks([])), stream.spec
    cool = ["traffic: temperatures are not followed; refresh and speed are those of a cool stack"]
    assumptions = (*served.assumptions, *(cool if thermal_spec(arch.spec) else []))
    ran = Ran(system, served.room.layout, Collector(), assumptions)
    facts = _facts(arch, workload, ran, system.static_power_w())
    result = result_of(served, summary(served, spec.slo, spec.rate_per_s), facts)
    wall = result.provenance.model_copy(update={"wall_s": time.perf_counter() - started_s})
    return result.model_copy(update={"provenance": wall})


def _of_artifact(
    arch: Arch, workload: Workload, progress: Callable[[int, int], None] | None, started_s: float
) -> Result:
    """The figures of the artifact that ``compat`` reproduces, in a `Result`."""
    from simulator.metrics import provenance
    from simulator.metrics.result import Capacity, Provenance, Result
    from simulator.system.artifacts import capacity_of, evaluation_of
    from simulator.system.methods import with_methods

    with_methods(arch.spec, workload)
    needed, available = capacity_of(_build(arch, Hooks([]), exact=False, engine="compiled"), workload)
    figures = evaluation_of(arch.spec)(arch.spec, workload, progress)
    identity = _identities(arch, workload)
    return Result(
        **identity,
        **figures.headline,
        time_ps=figures.time_ps,
        time_by_op_kind_s=figures.time_by_op_kind_s,
        cycles={},
        energy_j=figures.energy,
        energy_by_op_kind_j=figures.energy_by_op_kind_j,
        data_movement_bytes={},
        commands=figures.commands,
        utilization={},
        bound_by={},
        capacity=Capacity(needed_bytes=needed, available_bytes=available),
        assumptions=(*figures.assumptions, *arch.guesses()),
        calibrations=(),
        provenance=Provenance(
            version=provenance.version(),
            commit=provenance.commit(),
            config_hashes=dict(sorted((arch.files | dict(workload.files)).items())),
            seed=workload.seed,
            python=provenance.python_version(),
            wall_s=time.perf_counter() - started_s,
            events=0,
            commands_simulated=sum(figures.commands.values()),
        ),
    )


def _identities(arch: Arch, workload: Workload) -> dict[str, Identity]:
    from simulator.metrics.result import Identity

    return {
        "arch": Identity(name=arch.name, content_hash=arch.content_hash, values=arch.values),
        "workload": Identity(name=workload.name, content_hash=workload.content_hash, values=workload.values()),
    }


def mappings(arch: Arch, workload: Workload) -> dict[str, dict[str, dict[str, int | str]]]:
    """Stage -> op kind -> what the mappers of ``arch`` choose for ``workload``. Raises MappingError."""
    from simulator.system.mappings import mappings as choices

    return choices(_build(arch, Hooks([]), exact=False, engine="compiled"), workload)


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
    collective runs on all devices of the platform, any other op on one. Raises MappingError.
    """
    from simulator.metrics.collect import Collector
    from simulator.system.conservation import Conservation
    from simulator.system.run import Runner
    from simulator.system.single_op import make_op, single_op_graph
    from simulator.units.hops import CELLS_TO_IO, LINK
    from simulator.workload.collective import CollectiveOp

    collector, conservation = Collector(), Conservation()
    system = _build(arch, Hooks([*collector.instruments, conservation]), exact=exact, engine=engine)
    op = make_op(kind, *shape, batch, arch.spec.devices.count)
    unit = system.placement.component_for(op)
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


def sweep(
    spec: str | Path | Mapping[str, Any],
    folder: str | Path | None = None,
    *,
    jobs: int | None = None,
    resume: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> pd.DataFrame:
    """Simulate every point of a design space, in worker processes; one row a point, in the order of the sweep.

    ``spec`` is the YAML file of a sweep, or its content as a mapping (docs/sweeps.md has the keys). Columns: ``point``
    (its id), ``status``, ``error``, one for each axis, then the figures of the result under dotted names with their
    units. A point that fails has a row with its error. ``folder`` keeps all that comes out; with ``resume`` only what
    it does not hold yet is simulated. ``jobs`` worker processes, by default one for each core. ``progress(done,
    total)`` is called after each point. Needs pandas. Raises ConfigError before anything is simulated.
    """
    from simulator.explore.frame import sweep_to_frame

    return sweep_to_frame(read_sweep(spec), EVALUATE, folder, jobs=jobs, resume=resume, progress=progress)


def read_sweep(spec: str | Path | Mapping[str, Any]) -> Plan:
    """The sweep in a YAML file, or in a mapping of the same form, checked. Raises ConfigError, WorkloadError."""
    from simulator.explore.plan import plan_of, read_plan

    if isinstance(spec, Mapping):
        return plan_of(spec, prepare=_know_components)
    return read_plan(spec, prepare=_know_components)


def _know_components() -> None:
    import simulator.units  # noqa: F401 - fills the registry of component kinds


def evaluate_point(point: Point, catalog: Catalog) -> Figures:
    """Simulate one frozen design point of a sweep; what a worker process does. Raises as `load_arch` and `simulate`."""
    from simulator.explore.columns import flatten
    from simulator.explore.outcome import Figures
    from simulator.explore.skipping import is_skipped

    arch, workload = _thaw(point, catalog), catalog.load_workload(point)
    if is_skipped(catalog.skip_if, point, arch.spec, arch.values, workload):
        return Figures(skipped=True)
    result = simulate(arch, workload, exact=catalog.exact)
    return Figures(flatten(result), result.assumptions)


def _thaw(point: Point, catalog: Catalog) -> Arch:
    import simulator.units  # noqa: F401 - fills the registry of component kinds
    from simulator.config.loader import Document, build
    from simulator.config.platform_schema import Platform
    from simulator.config.plugins import import_entry_points, import_plugins
    from simulator.config.tree import Origin, planted

    base = catalog.archs[point.arch]
    document = Document(base.name, planted(catalog.arch_values(point), Origin(base.name)), base.files)
    import_entry_points()
    import_plugins(document.root)
    spec = build(document, Platform)
    _check_policies(document, spec)
    return Arch(spec, document.data, document.files, document)


def _facts(arch: Arch, workload: Workload, ran: Ran, static_w: Mapping[str, Mapping[str, float]]) -> RunFacts:
    from simulator.metrics.area import die_area
    from simulator.metrics.collect import RunFacts
    from simulator.metrics.result import Capacity
    from simulator.system.mappings import mappings

    system, components = ran.system, ran.system.components
    identities = _identities(arch, workload)
    return RunFacts(
        arch=identities["arch"],
        workload=identities["workload"],
        batch=workload.batch,
        energy_tables={name: component.energy_table() for name, component in components.items()},
        static_power_w=static_w,
        clock_ps={name: component.clock_ps for name, component in components.items() if component.clock_ps},
        blocks=workload.model.n_layers if arch.spec.devices.count == 1 else 0,
        bound_by=system.around.limits.bound_by(),
        capacity=Capacity(needed_bytes=ran.layout.needed_bytes, available_bytes=ran.layout.available_bytes),
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
