"""The validation report as Markdown: suites by basis and kind of case, and each case that disagrees or did not run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from simulator.report.validation_groups import MEANING, Case, Group, by_basis, by_kind, verdict

Report = Mapping[str, Any]

FIGURES = "cases | ran | judged | agree | median error | 90th percentile | largest"
TITLE = "# How nearbank stands against reference figures"


def markdown(reports: Sequence[Report], commands: Mapping[str, str]) -> str:
    """The whole report. ``commands``: suite -> the command that judges it again."""
    lines = [TITLE, *_preface(), *_summary(reports)]
    for report in reports:
        lines += ["", *section(report, commands[report["suite"]])]
    return "\n".join(lines) + "\n"


def section(report: Report, command: str) -> list[str]:
    """The lines of one suite."""
    cases = report["cases"]
    found = [f"## Suite {report['suite']}", "```text", command, "```", *_table("kind of case", by_kind(cases))]
    left = [case for case in cases if case["got"] is None or not case["passed"]]
    if left:
        found += ["", "Cases that disagree or did not run:", ""]
        found += [f"- {_plain(case['case'])}: {_plain(verdict(case))}" for case in left]
    return [*found, "", *_sources(cases)]


def _preface() -> list[str]:
    return [
        "Written by `nearbank validate --report FILE.md`. FILE.html has each case with its source, and pictures.",
        "The basis of a case says what its agreement means:",
        *(f"- **{basis}**: {words}." for basis, words in MEANING.items()),
        "",
    ]


def _summary(reports: Sequence[Report]) -> list[str]:
    rows = [row for report in reports for row in summary_rows(report)]
    return [f"| suite | verdict | basis | {FIGURES} |", "|---" * 10 + "|", *rows]


def summary_rows(report: Report) -> list[str]:
    """The rows of one suite in the first table."""
    word = "passed" if report["passed"] else "FAILED"
    return [f"| {report['suite']} | {word} | {group.name} | {_figures(group)} |" for group in by_basis(report["cases"])]


def _table(first: str, groups: Sequence[Group]) -> list[str]:
    head = f"| {first} | basis | {FIGURES} |"
    rows = [f"| {_plain(group.name)} | {group.basis} | {_figures(group)} |" for group in groups]
    return [head, "|---" * 9 + "|", *rows]


def _figures(group: Group) -> str:
    errors = (_percent(value) for value in (group.median_pct, group.p90_pct, group.largest_pct))
    agree = str(group.agree) if group.judged else "-"
    return " | ".join((str(len(group.cases)), str(len(group.errors_pct)), str(group.judged), agree, *errors))


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f} %"


def _sources(cases: Sequence[Case]) -> Iterator[str]:
    """The sources of the cases, each once with the number of its cases."""
    counts: dict[str, int] = {}
    for case in cases:
        counts[case["source"]] = counts.get(case["source"], 0) + 1
    yield "Sources:"
    yield ""
    for source, count in counts.items():
        yield f"- {_plain(source)} ({count})"


def _plain(text: str) -> str:
    return " ".join(text.split()).replace("|", "/")
