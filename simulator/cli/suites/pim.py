"""Suite `pim`: whole platforms and single operators against published figures of PIM systems.

Cases come from CSV files (`simulator/cli/suites/pim_cases.py`). Cases of one run share it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from simulator.cli.suites.base import SUITES, Basis, Case, Progress, Report
from simulator.cli.suites.pim_attacc import ATTENTION, attention
from simulator.cli.suites.pim_cases import read_cases
from simulator.cli.suites.pim_target import PimCase, Target
from simulator.errors import CapacityError, ConfigError

Figures = Mapping[str, Any]

OP = "op "
"""What a ``workload`` begins with that is one operator: ``op gemm 4096x4096``."""

PEAK = "peak"
"""The ``workload`` that runs nothing: peak rates of the platform's first memory that computes."""

BASIS_OF_KIND: dict[str, Basis] = {"compat": "compat", "cycles": "closed form", "micro": "closed form"}
"""Of the kinds that are no predictions."""

DERIVED: dict[str, Callable[[Figures], float]] = {
    "energy_per_token_j": lambda figures: 1 / figures["tokens_per_j"],
}
"""Metrics beside the fields of a result."""


@SUITES.register("pim")
def run(folder: Path, progress: Progress) -> Report:
    """Run every case of a folder (all its CSV files) or of one file. Raises ConfigError for data that is no case."""
    return run_cases("pim", folder, progress)


def run_cases(suite: str, folder: Path, progress: Progress) -> Report:
    """As `run`, for any suite of such cases."""
    cases = read_cases(folder)
    figures: dict[Target, Figures | None] = {}
    judged = []
    for done, case in enumerate(cases, 1):
        for target in case.targets:
            if target not in figures:
                figures[target] = _figures(target)
        judged.append(_judge(case, [figures[target] for target in case.targets]))
        progress(done, len(cases))
    return Report(suite, tuple(judged))


def _judge(case: PimCase, figures: list[Figures | None]) -> Case:
    values = [_metric(case, some) for some in figures if some is not None]
    got = None
    if len(values) == len(figures):
        got = values[0] / values[1] if len(values) > 1 else values[0]
    basis = BASIS_OF_KIND.get(case.kind, "prediction")
    return Case(case.case, case.expected, got, case.kind, case.source, case.limit_pct, basis)


def _metric(case: PimCase, figures: Figures) -> float:
    if case.metric in DERIVED:
        return DERIVED[case.metric](figures)
    value: Any = figures
    for step in case.metric.split("."):
        if not isinstance(value, Mapping) or step not in value:
            known = ", ".join(sorted([*DERIVED, *value])) if isinstance(value, Mapping) else "none"
            raise ConfigError(
                f"metric: a result has no '{case.metric}' (there are: {known})", file=case.file, line=case.line
            )
        value = value[step]
    if not isinstance(value, int | float):
        raise ConfigError(f"metric: '{case.metric}' is not one number", file=case.file, line=case.line)
    return float(value)


def _figures(target: Target) -> Figures | None:
    """The result as plain data; None for what does not fit the platform."""
    from simulator import api
    from simulator.cli.arguments import split_overrides

    if target.workload.startswith(OP):
        return _op(target)
    if target.workload == PEAK:
        return _peak(target)
    if target.workload == ATTENTION:
        return attention(target)
    for_arch, for_workload = split_overrides(list(target.overrides))
    try:
        result = api.simulate(api.load_arch(target.arch, for_arch), api.load_workload(target.workload, for_workload))
    except CapacityError:
        return None
    return result.model_dump(mode="json")


def _op(target: Target) -> Figures:
    from simulator import api
    from simulator.cli.op import shape

    kind, size = target.workload.removeprefix(OP).split()
    batch = [text for text in target.overrides if text.startswith("batch=")]
    arch = api.load_arch(target.arch, [text for text in target.overrides if text not in batch])
    return api.run_op(arch, kind, shape(size), batch=int(batch[-1].partition("=")[2]) if batch else 1)


def _peak(target: Target) -> Figures:
    """Bytes a second of the near-bank units and of the pins, and their ratio. Raises ConfigError without such units."""
    from simulator import api
    from simulator.report.design_point import describe
    from simulator.units import hops

    for part in describe(api.load_arch(target.arch, list(target.overrides)).spec)["components"].values():
        rates = part.get("bytes_per_s", {})
        if hops.IO_TO_MAC in rates:
            near_bank, pins = rates[hops.IO_TO_MAC], max(rates[name] for name in rates if name != hops.IO_TO_MAC)
            return {
                "near_bank_bytes_per_s": near_bank,
                "pin_bytes_per_s": pins,
                "near_bank_over_pins": near_bank / pins,
            }
    raise ConfigError(f"no memory of {target.arch} computes, so that it has no '{PEAK}' figures")
