"""A request stream over time: requests that wait and run, and the pages of the KV cache in use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

from simulator.report.evidence import Run
from simulator.report.pictures.picture import Picture, Table, tip
from simulator.report.svg.axes import Area, x_axis, y_axis
from simulator.report.svg.canvas import Canvas
from simulator.report.svg.key import draw_key, key_height
from simulator.report.svg.marks import mark
from simulator.report.svg.style import SHAPES, colour

Course = Mapping[str, Sequence[int]]


def queues(run: Run) -> list[Picture]:
    """Requests, and pages of the KV cache, from the first arrival to the last answer; none for a batch."""
    if run.result.traffic is None:
        return []
    series = run.result.traffic.series
    requests = {"waiting": series.waiting, "running": series.running}
    pages = {"pages in use": series.kv_pages}
    of = f"{run.result.traffic.kv_cache.pages:,} in all"
    return [
        _picture(run, "requests", "Requests that wait and run", requests, "requests"),
        _picture(run, "kv-pages", "KV cache", pages, "pages", of),
    ]


def _picture(run: Run, name: str, title: str, courses: Course, unit: str, note: str = "") -> Picture:  # noqa: PLR0913
    times = run.result.traffic.series.time_s if run.result.traffic else ()
    most = ", ".join(f"{what} at most {max(values):,}" for what, values in courses.items())
    return Picture(
        f"{name}:{run.name}",
        f"{title}, {run.label}",
        f"Lines over time, in {unit}: {most}.",
        lambda width: _draw(times, courses, unit, width),
        Table(("time (s)", *courses), list(zip(times, *courses.values(), strict=True))),
        note=f"{note}; {most}." if note else f"{most}.".capitalize(),
        half=True,
    )


def _draw(times: Sequence[float], courses: Course, unit: str, width: float) -> Canvas:
    top = key_height(list(courses), width) + 34
    canvas = Canvas(width, top + 230)
    area = Area(54, top, width - 20, canvas.height - 48)
    look = {name: (colour(place), SHAPES[place]) for place, name in enumerate(courses)}

    def swatch(name: str, x: float, y: float) -> None:
        mark(canvas, look[name][1], x, y, 5, f"dot f-{look[name][0]}")

    draw_key(canvas, list(courses), width, swatch)
    x = area.x((times[0], max(times[-1], times[0] + 1e-9)))
    y = area.y((0.0, max(1.0, *(float(value) for values in courses.values() for value in values)) * 1.05))
    x_axis(canvas, area, x, "time (s)")
    y_axis(canvas, area, y, unit)
    for name, values in courses.items():
        steps = [f"{x(times[0]):.1f},{y(values[0]):.1f}"]
        for (_, before), (time, value) in pairwise(zip(times, values, strict=True)):
            steps += [f"{x(time):.1f},{y(before):.1f}", f"{x(time):.1f},{y(value):.1f}"]
        fill, shape = look[name]
        canvas.add("polyline", points=" ".join(steps), class_=f"series s-{fill}")
        when = max(range(len(values)), key=values.__getitem__)
        words = tip(name, f"most: {values[when]:,} {unit} at {times[when]:.3g} s")
        mark(canvas, shape, x(times[when]), y(values[when]), 5, f"m dot f-{fill}", data_tip=words)
    return canvas
