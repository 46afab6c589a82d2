"""The suite of measured platforms on a terminal: goals, errors by kind of platform, the worst predictions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

Row = Mapping[str, Any]

UNITS = {"tokens/s": "tokens/s", "W": "W", "us": "kernels, us"}


def view(report: Mapping[str, Any], *, all_cases: bool) -> Group:
    """Goals, groups and the worst predictions; with ``all_cases`` each case that ran, too."""
    cases = report["cases"]
    parts: list[RenderableType] = []
    if all_cases:
        parts += [_cases([case for case in cases if case["got"] is not None]), Text("")]
    parts += [_goals(report["goals"]), Text(""), _groups(report["groups"]), Text("")]
    if report["worst"]:
        parts += [Text("worst predictions", style="bold"), _worst(report["worst"]), Text("")]
    reasons = Counter("; ".join(case["differences"]) for case in cases if case["got"] is None)
    parts += [Text(f"{count} cases not run: {reason}", style="dim") for reason, count in reasons.items()]
    return Group(*parts, _verdict(report))


def _table(*columns: str, left: int = 1) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for number, column in enumerate(columns):
        table.add_column(column, justify="left" if number < left else "right", no_wrap=left > 1 or number >= left)
    return table


def _goals(goals: Sequence[Row]) -> Table:
    table = _table("metric", "", "cases", "median", "90th pct", "largest", "allowed", left=2)
    for goal in goals:
        errors = (goal[f"{name}_abs_error_pct"] for name in ("median", "p90", "max"))
        metric = UNITS[goal["metric"]]
        table.add_row(metric, _fitted(goal), str(goal["cases"]), *map(_percent, errors), _allowed(goal))
    return table


def _allowed(goal: Row) -> Text:
    if goal["fitted"]:
        return Text("not judged", style="dim")
    style, word = ("green", "holds") if goal["passed"] else ("red", "MISSED")
    limits = [f"{goal[key]:g} %" for key in ("allowed_median_pct", "allowed_p90_pct") if goal[key] is not None]
    return Text.assemble(f"{', '.join(limits)} ", (word, style))


def _groups(groups: Sequence[Row]) -> Table:
    table = _table("metric", "platforms", "", "cases", "median", "90th pct", "largest", left=3)
    for group in groups:
        errors = (group[f"{name}_abs_error_pct"] for name in ("median", "p90", "max"))
        family = group["family"]
        table.add_row(UNITS[group["metric"]], family, _fitted(group), str(group["cases"]), *map(_percent, errors))
    return table


def _worst(worst: Sequence[Row]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("error", justify="right", no_wrap=True)
    table.add_column("case", ratio=1)
    table.add_column("why", ratio=1)
    for row in worst:
        why = row["reason"] or f"not explained; held by {row['held_by']}"
        table.add_row(f"{row['error_pct']:+.0f} %", f"{row['case']} ({row['metric']})", why)
    return table


def _cases(cases: Sequence[Row]) -> Table:
    table = _table("case", "measured", "simulated", "error", "")
    for case in cases:
        figures = (f"{case[name]:,.4g}" for name in ("expected", "got"))
        table.add_row(case["case"], *figures, f"{case['error_pct']:+.1f} %", Text(case["kind"], style="dim"))
    return table


def _fitted(row: Row) -> str:
    return "fitted" if row["fitted"] else "predicted"


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f} %"


def _verdict(report: Mapping[str, Any]) -> Text:
    style, word = ("green", "passed") if report["passed"] else ("red", "FAILED")
    judged = [goal for goal in report["goals"] if not goal["fitted"]]
    held = sum(goal["passed"] for goal in judged)
    return Text.assemble(f"suite {report['suite']}: ", (word, style), f", {held} of {len(judged)} goals hold")
