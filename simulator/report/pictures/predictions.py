"""Simulated against measured: a scatter for each metric of the platform suite."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from simulator.report.pictures.picture import Picture, Table, tip
from simulator.report.svg.axes import Area, x_axis, y_axis
from simulator.report.svg.canvas import Canvas
from simulator.report.svg.key import draw_key, key_height
from simulator.report.svg.marks import mark
from simulator.report.svg.scales import Scale, log_around
from simulator.report.svg.style import FAMILY_COLOURS, FAMILY_NAMES, FAMILY_SHAPES

Case = Mapping[str, Any]

METRICS = {
    "tokens/s": ("tokens_per_s", "Rates", "tokens/s"),
    "W": ("power_w", "Average power", "W"),
    "us": ("kernels_us", "Times of kernels and all-reduces", "us"),
}
"""Metric -> (name of the picture, what it is, unit)."""

BAND = 1.25
PREDICTED, FITTED, QUARTER = "predicted", "fitted", "a quarter off"


def pictures(report: Mapping[str, Any]) -> list[Picture]:
    """One picture for each metric of which a report of the platform suite has cases that ran."""
    found = []
    for metric, (name, title, unit) in METRICS.items():
        cases = [case for case in report["cases"] if case["got"] and case["metric"] == metric]
        if cases:
            found.append(_picture(name, title, unit, cases))
    return found


def _picture(name: str, title: str, unit: str, cases: Sequence[Case]) -> Picture:
    fitted = sum(case["fitted"] for case in cases)
    rows = [[case["case"], case["expected"], case["got"], FITTED if case["fitted"] else PREDICTED] for case in cases]
    return Picture(
        name=name,
        title=f"{title}: simulated against measured",
        summary=f"{len(cases) - fitted} predictions and {fitted} points that calibrations were fitted to, in {unit}",
        draw=lambda width: _draw(cases, unit, width),
        table=Table(("case", f"measured, {unit}", f"simulated, {unit}", ""), rows),
        half=True,
    )


def _draw(cases: Sequence[Case], unit: str, width: float) -> Canvas:
    families = [family for family in FAMILY_NAMES if any(case["family"] == family for case in cases)]
    names = [FAMILY_NAMES[family] for family in families] + [PREDICTED, FITTED, QUARTER]
    top = key_height(names, width) + 28
    area = Area(62, top, width - 14, top + width - 76)
    canvas = Canvas(width, area.bottom + 48)
    draw_key(canvas, names, width, lambda name, x, y: _swatch(canvas, name, x, y))
    limits = log_around([figure for case in cases for figure in (case["expected"], case["got"])], room=1.5)
    x, y = area.x(limits, log=True), area.y(limits, log=True)
    x_axis(canvas, area, x, f"measured, {unit}")
    y_axis(canvas, area, y, f"simulated, {unit}")
    _lines(canvas, x, y, limits)
    for case in sorted(cases, key=lambda case: bool(case["fitted"])):
        _mark(canvas, case, x(case["expected"]), y(case["got"]))
    return canvas


def _swatch(canvas: Canvas, name: str, x: float, y: float) -> None:
    family = next((family for family, shown in FAMILY_NAMES.items() if shown == name), None)
    if family:
        mark(canvas, FAMILY_SHAPES[family], x, y, 4.6, f"dot f-{FAMILY_COLOURS[family]}")
    elif name == QUARTER:
        canvas.line(x - 7, y, x + 7, y, "iso")
    else:
        mark(canvas, "circle", x, y, 4.6, "dot f-c7" if name == PREDICTED else "hollow s-c7")


def _lines(canvas: Canvas, x: Scale, y: Scale, limits: tuple[float, float]) -> None:
    """Equality, and a quarter above and below it."""
    low, high = limits
    canvas.line(x(low), y(low), x(high), y(high), "roof")
    canvas.line(x(low), y(low * BAND), x(high / BAND), y(high), "iso")
    canvas.line(x(low * BAND), y(low), x(high), y(high / BAND), "iso")


def _mark(canvas: Canvas, case: Case, x: float, y: float) -> None:
    """Its shape and colour are the kind of platform; a fitted point is hollow."""
    colour, shape = FAMILY_COLOURS[case["family"]], FAMILY_SHAPES[case["family"]]
    kind = f"hollow s-{colour}" if case["fitted"] else f"dot f-{colour}"
    measured = f"measured {case['expected']:g}, simulated {case['got']:.4g}"
    words = tip(case["case"], measured, f"{case['error_pct']:+.1f} %")
    with canvas.group(aria_label=words):
        canvas.add("title", words)
        mark(canvas, shape, x, y, 5.0 if case["fitted"] else 4.2, kind)
