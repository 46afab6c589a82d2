"""What the batch size does: speed and efficiency as slopes, and speed against the time per token."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from simulator.metrics.result import Result
from simulator.report.evidence import Run
from simulator.report.numbers import plain, si
from simulator.report.pictures.picture import Picture, Table, tip
from simulator.report.pictures.scatter import Axis, draw_scatter
from simulator.report.svg.axes import Area, y_axis
from simulator.report.svg.canvas import Canvas, shortened
from simulator.report.svg.marks import mark
from simulator.report.svg.scales import Log, log_around
from simulator.report.svg.style import FAMILY_COLOURS, FAMILY_SHAPES

Figure = Callable[[Result], float | None]

SPEED = Axis("speed", "tokens/s", lambda run: run.result.tokens_per_s or 0.0, room=1.4)
TPOT = Axis("time per token, TPOT", "ms", lambda run: (run.result.latency.tpot_s or 0.0) * 1e3, room=1.6)


def by_design(runs: Sequence[Run]) -> dict[str, list[Run]]:
    """The runs of each design that have a decode stage, by growing batch; a request stream stands alone."""
    groups: dict[str, list[Run]] = {}
    for run in sorted((run for run in runs if run.result.tokens_per_s), key=lambda run: run.batch):
        groups.setdefault(run.label if run.result.traffic else run.design, []).append(run)
    return groups


def speed_slopes(runs: Sequence[Run]) -> Picture | None:
    """Tokens/s by batch size; None unless a design ran at two."""
    return _slopes(runs, "batch-speed", "Speed by batch size", "tokens/s", lambda result: result.tokens_per_s)


def efficiency_slopes(runs: Sequence[Run]) -> Picture | None:
    """Tokens/J by batch size; None unless a design ran at two."""
    return _slopes(runs, "batch-efficiency", "Efficiency by batch size", "tokens/J", lambda result: result.tokens_per_j)


def _slopes(runs: Sequence[Run], name: str, title: str, unit: str, figure: Figure) -> Picture | None:
    groups = {design: group for design, group in by_design(runs).items() if len({run.batch for run in group}) > 1}
    if not groups:
        return None
    gains = {design: _gain(group, figure) for design, group in groups.items()}
    best = max(gains, key=lambda design: gains[design])
    batches = sorted({run.batch for group in groups.values() for run in group})
    rows = [
        (design, *(next((figure(run.result) for run in group if run.batch == batch), None) for batch in batches))
        for design, group in groups.items()
    ]
    return Picture(
        name,
        title,
        f"One line a design, on a logarithmic axis. {best} gains most from batch {batches[0]} to {batches[-1]}: "
        f"{plain(gains[best])} times.",
        lambda width: _draw_slopes(groups, unit, figure, width),
        Table(("design", *(f"{unit}, batch {batch}" for batch in batches)), rows),
        half=True,
    )


def _gain(group: Sequence[Run], figure: Figure) -> float:
    first, last = figure(group[0].result), figure(group[-1].result)
    return last / first if first and last else 0.0


def _draw_slopes(groups: dict[str, list[Run]], unit: str, figure: Figure, width: float) -> Canvas:
    canvas = Canvas(width, 380)
    area = Area(54, 34, width - (150 if width > 400 else 112), canvas.height - 48)
    batches = sorted({run.batch for group in groups.values() for run in group})
    values = [value for group in groups.values() for run in group if (value := figure(run.result))]
    x = Log(batches[0], batches[-1], area.left + 14, area.right - 8)
    y = area.y(log_around(values), log=True)
    y_axis(canvas, area, y, unit)
    for batch in batches:
        canvas.line(x(batch), area.top, x(batch), area.bottom, "axis")
        canvas.text(x(batch), area.bottom + 16, f"{batch}", text_anchor="middle")
    canvas.text((area.left + area.right) / 2, area.bottom + 38, "batch (sequences)", "axis-name", text_anchor="middle")
    ends = []
    for design, group in groups.items():
        at = [(x(run.batch), y(value), run, value) for run in group if (value := figure(run.result))]
        look = FAMILY_COLOURS[group[0].family]
        canvas.add("polyline", points=" ".join(f"{px:.1f},{py:.1f}" for px, py, _, _ in at), class_=f"series s-{look}")
        for px, py, run, value in at:
            words = tip(run.label, f"{plain(value)} {unit}", f"held by {run.held_by[0]}" if run.held_by else "")
            mark(canvas, FAMILY_SHAPES[run.family], px, py, 5, f"m dot f-{look}", data_tip=words)
        ends.append((at[-1][1], design))
    _end_labels(canvas, ends, area.right + 4, width)
    return canvas


def _end_labels(canvas: Canvas, ends: list[tuple[float, str]], x: float, width: float) -> None:
    """Each line's name at its right end, moved down where two would touch."""
    free_from = -1e9
    for y, words in sorted(ends):
        base = max(y + 4, free_from + 15)
        canvas.text(x + 4, base, shortened(words, width - x - 6, 12.5), "name")
        free_from = base


def latency(runs: Sequence[Run]) -> Picture | None:
    """Tokens/s of all sequences against the time per token that each of them sees; None for fewer than two runs."""
    groups = by_design(runs)
    shown = [run for group in groups.values() for run in group]
    if len(shown) < 2:
        return None
    fastest = min(shown, key=lambda run: run.result.latency.tpot_s or 0.0)
    rows = [
        (run.label, run.result.tokens_per_s, (run.result.latency.tpot_s or 0) * 1e3, run.result.latency.ttft_s * 1e3)
        for run in shown
    ]
    return Picture(
        "latency",
        "Speed against the time per token",
        "Tokens/s of all sequences over the time that one sequence waits for its next token, both logarithmic; lines "
        f"join the batch sizes of a design. Shortest wait: {fastest.label}, {si(fastest.result.latency.tpot_s, 's')}.",
        lambda width: draw_scatter(groups, TPOT, SPEED, width),
        Table(("run", "tokens/s", "TPOT (ms)", "TTFT (ms)"), rows),
        note="Of all sequences, against what each of them waits; b8: batch 8. Better is up and to the left.",
    )
