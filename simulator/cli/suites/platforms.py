"""Suite `platforms`: CPUs, GPUs, FPGAs and ASICs against measured decode points and kernels.

Points that a calibration was fitted to are reported apart; the goals hold for predictions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from simulator.cli.suites import platform_kernels, platform_points
from simulator.cli.suites.base import SUITES, Case, Progress, Report
from simulator.cli.suites.platform_names import read_names

GOALS = {"tokens/s": (10.0, 25.0), "W": (15.0, None), "us": (15.0, None)}
"""Metric -> (largest median, largest 90th percentile) of the absolute error in percent."""

WORST = 10


@dataclass(frozen=True)
class PlatformReport(Report):
    """All cases; judged are not the single ones but the medians and 90th percentiles of the predictions."""

    @property
    def errors_pct(self) -> list[float]:
        """Absolute errors of the predictions."""
        return [abs(c.error_pct) for c in self.cases if c.error_pct is not None and not c.beside["fitted"]]

    @property
    def passed(self) -> bool:
        """Whether every goal with predictions holds."""
        goals = self._goals()
        return bool(goals) and all(goal["passed"] for goal in goals)

    def document(self) -> dict[str, Any]:
        """The report as data, with the goals and the worst predictions."""
        return super().document() | {"goals": self._goals(), "worst": self._worst()}

    def _goals(self) -> list[dict[str, Any]]:
        found = []
        for metric, (middle, high) in GOALS.items():
            for fitted in (False, True):
                errors = _errors(self.cases, metric, fitted=fitted)
                if errors:
                    found.append(_goal(metric, errors, middle, high, fitted=fitted))
        return found

    def _worst(self) -> list[dict[str, Any]]:
        run = [c for c in self.cases if c.error_pct is not None and not c.beside["fitted"]]
        run.sort(key=lambda case: -abs(case.error_pct or 0.0))
        return [{"case": c.case, "metric": c.beside["metric"], "error_pct": c.error_pct} for c in run[:WORST]]


def _errors(cases: Sequence[Case], metric: str, *, fitted: bool) -> list[float]:
    mine = (c for c in cases if c.beside["metric"] == metric and c.beside["fitted"] == fitted)
    return [abs(c.error_pct) for c in mine if c.error_pct is not None]


def _goal(metric: str, errors: list[float], middle: float, high: float | None, *, fitted: bool) -> dict[str, Any]:
    found_median = median(errors)
    found_p90 = quantiles(errors, n=10, method="inclusive")[-1] if len(errors) > 1 else errors[0]
    holds = found_median <= middle and (high is None or found_p90 <= high)
    return {
        "metric": metric,
        "fitted": fitted,
        "cases": len(errors),
        "median_abs_error_pct": found_median,
        "p90_abs_error_pct": found_p90,
        "max_abs_error_pct": max(errors),
        "allowed_median_pct": middle,
        "allowed_p90_pct": high,
        "passed": fitted or holds,
    }


@SUITES.register("platforms")
def run(folder: Path, progress: Progress) -> Report:
    """Simulate every point and kernel of the folder. Raises ConfigError for data that cannot be read."""
    names = read_names(folder)
    total = platform_points.count(folder) + platform_kernels.count(folder)
    finished = 0

    def done() -> None:
        nonlocal finished
        finished += 1
        progress(finished, total)

    cases = list(platform_points.cases(folder, names, done))
    if platform_kernels.count(folder):
        cases += platform_kernels.cases(folder, names, done)
    return PlatformReport("platforms", tuple(cases))
