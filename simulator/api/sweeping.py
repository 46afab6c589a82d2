"""Design spaces: from Python, and what the worker processes of a sweep call."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simulator.api.arch import Arch
from simulator.api.simulation import simulate
from simulator.api.sizing import sized_for
from simulator.errors import CapacityError

if TYPE_CHECKING:
    import pandas as pd

    from simulator.explore.outcome import Figures
    from simulator.explore.plan import Plan
    from simulator.explore.points import Catalog, Point


EVALUATE = "simulator.api:evaluate_point"
"""What the worker processes of a sweep call."""


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
    with suppress(CapacityError):
        arch = sized_for(arch, workload)
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
    from simulator.mapping.policy_names import check_policies

    base = catalog.archs[point.arch]
    document = Document(base.name, planted(catalog.arch_values(point), Origin(base.name)), base.files)
    import_entry_points()
    import_plugins(document.root)
    spec = build(document, Platform)
    check_policies(document, spec)
    return Arch(spec, document.data, document.files, document)
