"""A validation report on a terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from simulator.report.validation_groups import Case, by_kind


def view(report: Mapping[str, Any], *, all_cases: bool) -> Group:
    """The report by kind of case, then the cases that disagree (or all)."""
    cases = report["cases"]
    listed = [case for case in cases if all_cases or not case["passed"] or case["limit_pct"] is None]
    run = [case for case in listed if case["got"] is not None]
    parts: list[RenderableType] = [_kinds(cases), Text("")]
    if run:
        parts += [_listing(run), Text("")]
    reasons = Counter("; ".join(case["differences"]) for case in listed if case["got"] is None)
    parts += [Text(f"{count} cases not run: {reason}", style="dim") for reason, count in reasons.items()]
    return Group(*parts, _verdict(report))


def _kinds(cases: Sequence[Case]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("kind", no_wrap=True)
    table.add_column("basis", no_wrap=True)
    for name in ("cases", "agree", "median error", "largest error", "allowed"):
        table.add_column(name, justify="right")
    for group in by_kind(cases):
        limits = {case["limit_pct"] for case in group.cases} - {None}
        agree = f"{group.agree} of {group.judged}" if group.judged else "not judged"
        allowed = ", ".join("exact" if limit == 0 else f"{limit:g} %" for limit in sorted(limits)) or "-"
        errors = ("-" if value is None else f"{value:.2f} %" for value in (group.median_pct, group.largest_pct))
        table.add_row(group.name, group.basis, str(len(group.cases)), agree, *errors, allowed)
    return table


def _listing(cases: Sequence[Case]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("case")
    for name in ("expected", "got", "error"):
        table.add_column(name, justify="right", no_wrap=True)
    has_default = any(case.get("default_ratio") for case in cases)
    if has_default:
        table.add_column(f"{cases[0]['default_spec']}", justify="right", no_wrap=True)
    table.add_column("")
    for case in cases:
        cells = [case["case"], f"{case['expected']:,}", f"{case['got']:,}", f"{case['error_pct']:+.2f} %"]
        if has_default:
            ratio = case["default_ratio"]
            cells.append("-" if ratio is None else f"x {ratio:.2f}")
        table.add_row(*cells, _remark(case))
    return table


def _remark(case: Case) -> Text:
    differences = "; ".join(case["differences"])
    if case["limit_pct"] is None:
        return Text(f"not judged{': ' if differences else ''}{differences}", style="dim")
    return Text("agrees", style="green") if case["passed"] else Text(f"DISAGREES {differences}", style="red")


def _verdict(report: Mapping[str, Any]) -> Text:
    judged = [case for case in report["cases"] if case["limit_pct"] is not None]
    failed = sum(not case["passed"] for case in judged)
    style, word = ("green", "passed") if report["passed"] else ("red", "FAILED")
    figures = f"{len(judged) - failed} of {len(judged)} judged cases agree"
    ratios = [case["default_ratio"] for case in report["cases"] if case.get("default_ratio")]
    beside = ""
    if ratios:
        beside = f"; {report['cases'][0]['default_spec']} takes x {median(ratios):.2f} cycles in the median"
    return Text.assemble(f"suite {report['suite']}: ", (word, style), f", {figures}{beside}")
