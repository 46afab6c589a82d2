"""The validation report: every case of every suite, fit and prediction apart, and how to get each again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from html import escape
from statistics import median
from typing import Any

from simulator.report.page.build import frame
from simulator.report.page.html import code, figure, grid, table
from simulator.report.pictures.agreement import agreement
from simulator.report.pictures.picture import Table
from simulator.report.pictures.predictions import pictures

Case = Mapping[str, Any]
Report = Mapping[str, Any]

FITTED, PREDICTED, ALL = "Fitted: a calibration was made from these", "Predicted", "Cases"


def page(reports: Sequence[Report], commands: Mapping[str, str]) -> str:
    """The whole report. ``commands``: suite -> the command that judges it again."""
    sections = {"answer": ("", table(_summary(reports), "All suites"))}
    sections |= {r["suite"]: (f"Suite {r['suite']}", _suite(r, commands[r["suite"]])) for r in reports}
    footer = "".join(code(command) for command in commands.values())
    return frame("How nearbank stands against reference figures", sections, f"<p>Each suite again:</p>{footer}")


def _summary(reports: Sequence[Report]) -> Table:
    rows = []
    for report in reports:
        verdict = "passed" if report["passed"] else "FAILED"
        judged = sum(case["limit_pct"] is not None for case in report["cases"])
        errors = (report["median_abs_error_pct"], report["max_abs_error_pct"])
        rows.append([report["suite"], verdict, len(report["cases"]), judged, *errors])
    return Table(("suite", "verdict", "cases", "judged one by one", "median error, %", "largest error, %"), rows)


def _suite(report: Report, command: str) -> str:
    drawn = pictures(report) if "goals" in report else agreement(report)
    parts = [code(command)]
    if drawn:
        parts.append(grid([figure(picture) for picture in drawn]))
    groups: dict[str, list[Case]] = defaultdict(list)
    for case in report["cases"]:
        groups[ALL if "fitted" not in case else FITTED if case["fitted"] else PREDICTED].append(case)
    parts += [_cases(name, report["suite"], groups[name]) for name in (PREDICTED, FITTED, ALL) if name in groups]
    return "".join(parts)


def _cases(name: str, suite: str, cases: Sequence[Case]) -> str:
    errors = [abs(case["error_pct"]) for case in cases if case["error_pct"] is not None]
    middle = f"; median error {median(errors):.2f} %, largest {max(errors):.2f} %" if errors else ""
    rows = [
        [case["case"], case["kind"], case["expected"], case["got"], case["error_pct"], _verdict(case), case["source"]]
        for case in cases
    ]
    columns = ("case", "kind", "expected", "got", "error, %", "verdict", "source")
    return (
        f"<h3>{escape(name)}</h3><p>{len(cases)} cases, {len(errors)} of them ran{middle}.</p>"
        f"{table(Table(columns, rows), f'{name}, suite {suite}')}"
    )


def _verdict(case: Case) -> str:
    differences = "; ".join(case["differences"])
    if case["got"] is None:
        return f"not run: {differences}"
    judged = "not judged" if case["limit_pct"] is None else "agrees" if case["passed"] else "DISAGREES"
    return f"{judged}: {differences}" if differences else judged
