"""Errors of the platform suite by metric, by kind of platform, and the worst predictions with their reasons."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from statistics import median, quantiles
from typing import Any

from simulator.cli.suites.base import Case

GOALS = {"tokens/s": (10.0, 25.0), "W": (15.0, None), "us": (15.0, None)}
"""Metric -> (largest median, largest 90th percentile) of the absolute error in percent."""

WORST = 10


def goals(cases: Sequence[Case]) -> list[dict[str, Any]]:
    """For each metric the errors of predictions and of fitted points, with what is allowed of predictions."""
    found = []
    for metric, (middle, high) in GOALS.items():
        for fitted in (False, True):
            errors = _errors(cases, metric, fitted=fitted)
            if errors:
                spread = _spread(errors)
                holds = spread["median_abs_error_pct"] <= middle
                holds = holds and (high is None or spread["p90_abs_error_pct"] <= high)
                allowed = {"allowed_median_pct": middle, "allowed_p90_pct": high, "passed": fitted or holds}
                found.append({"metric": metric, "fitted": fitted, **spread, **allowed})
    return found


def groups(cases: Sequence[Case]) -> list[dict[str, Any]]:
    """The same for each kind of platform, without goals."""
    families = sorted({case.beside["family"] for case in cases if case.beside.get("family")})
    return [
        {"family": family, "metric": metric, "fitted": fitted, **_spread(errors)}
        for metric in GOALS
        for family in families
        for fitted in (False, True)
        if (errors := _errors(cases, metric, fitted=fitted, family=family))
    ]


def worst(cases: Sequence[Case], known: Mapping[str, str]) -> list[dict[str, Any]]:
    """The predictions with the largest errors: why, as far as ``known`` has it, and what held the simulated one."""
    run = sorted(_predictions(cases), key=lambda case: -abs(case.error_pct or 0.0))
    return [
        {
            "case": case.case,
            "metric": case.beside["metric"],
            "error_pct": case.error_pct,
            "reason": known.get(f"{case.beside['id']} W" if case.beside["metric"] == "W" else case.beside["id"], ""),
            "held_by": case.beside["held_by"],
        }
        for case in run[:WORST]
    ]


def _predictions(cases: Sequence[Case]) -> Iterator[Case]:
    return (case for case in cases if case.error_pct is not None and not case.beside["fitted"])


def _errors(cases: Sequence[Case], metric: str, *, fitted: bool, family: str | None = None) -> list[float]:
    """Absolute errors of the cases of a metric, all families' or those of one."""
    return [
        abs(case.error_pct)
        for case in cases
        if case.error_pct is not None
        and (case.beside["metric"], case.beside["fitted"]) == (metric, fitted)
        and family in (None, case.beside["family"])
    ]


def _spread(errors: Sequence[float]) -> dict[str, Any]:
    high = quantiles(errors, n=10, method="inclusive")[-1] if len(errors) > 1 else errors[0]
    return {
        "cases": len(errors),
        "median_abs_error_pct": median(errors),
        "p90_abs_error_pct": high,
        "max_abs_error_pct": max(errors),
    }
