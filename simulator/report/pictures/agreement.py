"""Got against expected: a scatter for each kind of case of a validation suite."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from simulator.report.pictures.picture import Picture, Table, tip
from simulator.report.svg.axes import Area, x_axis, y_axis
from simulator.report.svg.canvas import Canvas
from simulator.report.svg.marks import mark
from simulator.report.svg.scales import log_around

Case = Mapping[str, Any]

LEAST_CASES = 3
"""Fewer are read better in the table."""


def agreement(report: Mapping[str, Any]) -> list[Picture]:
    """One picture for each kind of which `LEAST_CASES` cases ran and have figures above 0."""
    kinds: dict[str, list[Case]] = defaultdict(list)
    for case in report["cases"]:
        if case["got"] and case["got"] > 0 and case["expected"] > 0:
            kinds[case["kind"]].append(case)
    return [_picture(report["suite"], kind, cases) for kind, cases in kinds.items() if len(cases) >= LEAST_CASES]


def _picture(suite: str, kind: str, cases: Sequence[Case]) -> Picture:
    rows = [[case["case"], case["expected"], case["got"], case["error_pct"]] for case in cases]
    largest = max(abs(case["error_pct"]) for case in cases)
    return Picture(
        name=f"{suite}_{kind}",
        title=f"{kind}: got against expected",
        summary=f"{len(cases)} cases, largest error {largest:.2f} %; the line is equality",
        draw=lambda width: _draw(cases, width),
        table=Table(("case", "expected", "got", "error, %"), rows),
        half=True,
    )


def _draw(cases: Sequence[Case], width: float) -> Canvas:
    area = Area(62, 14, width - 14, width - 62)
    canvas = Canvas(width, area.bottom + 48)
    limits = log_around([case[name] for case in cases for name in ("expected", "got")], room=1.5)
    x, y = area.x(limits, log=True), area.y(limits, log=True)
    x_axis(canvas, area, x, "expected")
    y_axis(canvas, area, y, "got")
    canvas.line(x(limits[0]), y(limits[0]), x(limits[1]), y(limits[1]), "roof")
    for case in cases:
        figures = f"expected {case['expected']:.6g}, got {case['got']:.6g}"
        words = tip(case["case"], figures, f"{case['error_pct']:+.2f} %")
        with canvas.group(aria_label=words):
            canvas.add("title", words)
            mark(canvas, "circle", x(case["expected"]), y(case["got"]), 4.2, "dot f-c0")
    return canvas
