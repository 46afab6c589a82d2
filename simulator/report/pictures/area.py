"""The silicon of a platform: square millimetres of each component, what they are made of and where they come from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from simulator.report.evidence import Run
from simulator.report.numbers import plain
from simulator.report.pictures.picture import Cell, Picture, Table, tip
from simulator.report.svg.axes import Area, x_axis
from simulator.report.svg.canvas import Canvas, shortened, text_width
from simulator.report.svg.scales import around

ROW = 30.0


def area(run: Run) -> Picture | None:
    """Bars of the components that say what silicon they take; None where none does."""
    found = sorted(run.result.area_by_component_mm2.items(), key=lambda item: -item[1])
    if not found:
        return None
    total = run.result.area_mm2 or 0.0
    silent = [note for note in run.result.assumptions if note.startswith("area_mm2:")]
    return Picture(
        f"area:{run.name}",
        f"Silicon of {run.design}",
        f"Square millimetres of each component in all devices together, {plain(total)} in all. Largest: {found[0][0]}.",
        lambda width: _draw(found, width),
        Table(("component", "mm2", "what", "count", "of each (mm2)", "source"), _rows(run, found)),
        note=" ".join(silent),
    )


def _rows(run: Run, found: Sequence[tuple[str, float]]) -> Sequence[Sequence[Cell]]:
    """A row for each piece of silicon of each component."""
    components = run.result.arch.values.get("components", {})
    rows: list[Sequence[Cell]] = []
    for name, mm2 in found:
        pieces: Mapping[str, Mapping[str, Cell]] = components.get(name, {}).get("area", {})
        for position, (what, piece) in enumerate(pieces.items()):
            each = [piece.get("count", 1), piece["mm2_each"], piece["source"]]
            rows.append([name, None if position else mm2, what, *each])
        if not pieces:
            rows.append([name, mm2, None, None, None, None])
    return rows


def _draw(found: Sequence[tuple[str, float]], width: float) -> Canvas:
    canvas = Canvas(width, ROW * len(found) + 48)
    left = min(0.46 * width, 14 + max(text_width(name, 12.5) for name, _ in found))
    frame = Area(left, 4, width - 66, 4 + ROW * len(found))
    x = frame.x(around(mm2 for _, mm2 in found))
    x_axis(canvas, frame, x, "area (mm2)")
    for position, (name, mm2) in enumerate(found):
        y = frame.top + ROW * position
        canvas.text(left - 8, y + 19, shortened(name, left - 10, 12.5), "name", text_anchor="end")
        words = tip(name, f"{plain(mm2)} mm2")
        canvas.add("rect", x=left, y=y + 6, width=x(mm2) - left, height=ROW - 12, class_="m f-c2", data_tip=words)
        canvas.text(x(mm2) + 6, y + 19, plain(mm2), "name")
    return canvas
