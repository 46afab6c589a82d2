"""The validation report: every case of every suite, fit and prediction apart, and how to get each again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from simulator.report.page.build import frame
from simulator.report.page.html import code, figure, grid, table
from simulator.report.pictures.agreement import agreement
from simulator.report.pictures.picture import Cell, Table
from simulator.report.pictures.predictions import pictures
from simulator.report.validation_groups import MEANING, Group, by_basis, by_kind, verdict

Report = Mapping[str, Any]


def page(reports: Sequence[Report], commands: Mapping[str, str]) -> str:
    """The whole report. ``commands``: suite -> the command that judges it again."""
    sections = {"answer": ("", f"{_meanings()}{table(_summary(reports), 'All suites')}")}
    sections |= {r["suite"]: (f"Suite {r['suite']}", _suite(r, commands[r["suite"]])) for r in reports}
    footer = "".join(code(command) for command in commands.values())
    return frame("How nearbank stands against reference figures", sections, f"<p>Each suite again:</p>{footer}")


def _meanings() -> str:
    items = "".join(f"<li><b>{basis}</b>: {words}</li>" for basis, words in MEANING.items())
    return f'<div class="lead"><p>The basis of a case says what its agreement means:</p><ul>{items}</ul></div>'


FIGURES = ("cases", "ran", "judged", "agree", "median error, %", "90th percentile, %", "largest error, %")


def _figures(group: Group) -> list[Cell]:
    agree = group.agree if group.judged else None
    errors = (group.median_pct, group.p90_pct, group.largest_pct)
    return [len(group.cases), len(group.errors_pct), group.judged, agree, *errors]


def _summary(reports: Sequence[Report]) -> Table:
    rows = [
        [report["suite"], "passed" if report["passed"] else "FAILED", group.basis, *_figures(group)]
        for report in reports
        for group in by_basis(report["cases"])
    ]
    return Table(("suite", "verdict", "basis", *FIGURES), rows)


def _suite(report: Report, command: str) -> str:
    drawn = pictures(report) if "goals" in report else agreement(report)
    kinds = [[group.name, group.basis, *_figures(group)] for group in by_kind(report["cases"])]
    parts = [code(command), table(Table(("kind of case", "basis", *FIGURES), kinds), f"Kinds, suite {report['suite']}")]
    if drawn:
        parts.append(grid([figure(picture) for picture in drawn]))
    parts += [_cases(group, report["suite"]) for group in by_basis(report["cases"])]
    return "".join(parts)


def _cases(group: Group, suite: str) -> str:
    rows = [
        [case["case"], case["kind"], case["expected"], case["got"], case["error_pct"], verdict(case), case["source"]]
        for case in group.cases
    ]
    columns = ("case", "kind", "expected", "got", "error, %", "verdict", "source")
    name = group.basis.capitalize()
    return (
        f"<h3>{name}</h3><p>{len(group.cases)} cases: {escape(MEANING[group.basis])}.</p>"
        f"{table(Table(columns, rows), f'{name}, suite {suite}')}"
    )
