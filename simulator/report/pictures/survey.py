"""Power against speed: the runs over the field that others published, with lines of equal tokens/J."""

from __future__ import annotations

from collections.abc import Sequence

from simulator.report.evidence import Run
from simulator.report.numbers import plain, si
from simulator.report.pictures.picture import Cell, Picture, Table, tip
from simulator.report.survey import Published, published
from simulator.report.svg.axes import Area, x_axis, y_axis
from simulator.report.svg.canvas import Canvas
from simulator.report.svg.key import draw_key, key_height
from simulator.report.svg.labels import around as box_around
from simulator.report.svg.labels import place
from simulator.report.svg.marks import mark
from simulator.report.svg.scales import Scale, log_around
from simulator.report.svg.style import FAMILY_COLOURS, FAMILY_NAMES, FAMILY_SHAPES

OURS = "this report"
PUBLISHED_SIZES = (6e9, 9e9)
"""Parameters of models that are of about the size of the published ones."""

COLUMNS = ("system", "platform", "method", "model", "precision", "tokens/s", "W", "tokens/J", "to be minded", "source")


def survey(runs: Sequence[Run], max_power_w: float | None = None) -> Picture | None:
    """The picture; None if no run has a speed and a power."""
    shown = [run for run in runs if run.result.tokens_per_s and run.result.power_w]
    if not shown:
        return None
    field = published()
    families = {point.family for point in field} | {run.family for run in shown}
    methods = sorted({point.method for point in field})
    return Picture(
        "survey",
        "Power against speed, over the published field",
        f"{len(shown)} runs of this report as filled marks over {len(field)} published points (batch 1, about 7 billion"
        " parameters) as hollow ones, on logarithmic axes; dashed lines join points of equal tokens per joule.",
        lambda width: _draw(shown, field, max_power_w, width),
        Table(
            COLUMNS,
            [*(_run_row(run) for run in shown), *(_point_row(point) for point in field)],
            {point.paper: point.url for point in field if point.url.startswith("http")},
            [*(_keys(run.family, OURS) for run in shown), *(_keys(point.family, point.method) for point in field)],
        ),
        {
            "platform": {key: name for key, name in FAMILY_NAMES.items() if key in families},
            "method": {OURS: OURS} | {name: name for name in methods},
        },
        "Hollow: published, batch 1, about 7B parameters; most GPU watts are TDP, and some points are one chip of many"
        ", as each says. Filled: this report, average power of the decode stage, b8: batch 8.",
    )


def _keys(family: str, method: str) -> dict[str, str]:
    return {"platform": family, "method": method}


def _draw(runs: Sequence[Run], field: Sequence[Published], max_power_w: float | None, width: float) -> Canvas:
    families = {point.family for point in field} | {run.family for run in runs}
    names = {name: family for family, name in FAMILY_NAMES.items() if family in families}
    top = key_height(list(names), width)
    canvas = Canvas(width, top + min(590.0, max(430.0, width * 0.54)))
    area = Area(54, top + 36, width - 14, canvas.height - 48)

    def swatch(name: str, at: float, level: float) -> None:
        mark(canvas, FAMILY_SHAPES[names[name]], at, level, 5, f"dot f-{FAMILY_COLOURS[names[name]]}")

    draw_key(canvas, list(names), width, swatch)
    x = area.x(log_around([p.power_w for p in field] + [r.result.power_w or 0 for r in runs]), log=True)
    y = area.y(log_around([p.tokens_per_s for p in field] + [r.result.tokens_per_s or 0 for r in runs]), log=True)
    x_axis(canvas, area, x, "power (W)")
    y_axis(canvas, area, y, "tokens/s")
    _iso_lines(canvas, area, x, y)
    if max_power_w and x.low < max_power_w < x.high:
        canvas.line(x(max_power_w), area.top, x(max_power_w), area.bottom, "cap")
        canvas.text(x(max_power_w) - 5, area.top + 12, f"cap {si(max_power_w, 'W')}", "small halo", text_anchor="end")
    for point in field:
        _published_mark(canvas, point, x(point.power_w), y(point.tokens_per_s))
    places = [(x(run.result.power_w or 1), y(run.result.tokens_per_s or 1)) for run in runs]
    labels = [(*at, run.mark_name) for at, run in zip(places, runs, strict=True)]
    place(canvas, area, labels, [box_around(*at, 6) for at in places])
    for at, run in zip(places, runs, strict=True):
        _run_mark(canvas, run, *at)
    return canvas


def _iso_lines(canvas: Canvas, area: Area, x: Scale, y: Scale) -> None:
    """Lines of equal tokens/J, each with its figure where it leaves the area."""
    for exponent in range(-3, 4):
        tokens_per_j = 10.0**exponent
        start, end = max(x.low, y.low / tokens_per_j), min(x.high, y.high / tokens_per_j)
        if start >= end:
            continue
        canvas.line(x(start), y(start * tokens_per_j), x(end), y(end * tokens_per_j), "iso")
        at_top = end < x.high * 0.999
        label_x, label_y = x(end), y(end * tokens_per_j)
        if at_top:
            canvas.text(label_x - 4, area.top - 6, f"{tokens_per_j:g} tokens/J", "small", text_anchor="end")
        elif label_y < area.bottom - 60:
            canvas.text(area.right - 4, label_y + 16, f"{tokens_per_j:g} tokens/J", "small halo", text_anchor="end")


def _published_mark(canvas: Canvas, point: Published, x: float, y: float) -> None:
    words = tip(
        point.system,
        f"{point.hardware}; {point.model}, {point.precision}; {point.method}",
        f"{plain(point.tokens_per_s)} tokens/s, {si(point.power_w, 'W')}, {plain(point.tokens_per_j)} tokens/J",
        f"Mind: {'; '.join(point.caveats)}",
        f"{point.paper} ({point.year})",
    )
    kind = f"m hollow s-{FAMILY_COLOURS[point.family]}"
    keys = {f"data_{key}": value for key, value in _keys(point.family, point.method).items()}
    mark(canvas, FAMILY_SHAPES[point.family], x, y, 3.6, kind, data_tip=words, **keys)


def _run_mark(canvas: Canvas, run: Run, x: float, y: float) -> None:
    result = run.result
    words = tip(
        run.label,
        f"{plain(result.tokens_per_s)} tokens/s, {si(result.power_w, 'W')}, {plain(result.tokens_per_j)} tokens/J",
        f"{result.workload.name}; {_mind(run)}",
    )
    keys = {f"data_{key}": value for key, value in _keys(run.family, OURS).items()}
    kind = f"m dot f-{FAMILY_COLOURS[run.family]}"
    mark(canvas, FAMILY_SHAPES[run.family], x, y, 7, kind, data_tip=words, **keys)


def _mind(run: Run) -> str:
    """In what a run differs from the published points."""
    found = ["simulated"]
    if run.batch != 1:
        found.append(f"batch {run.batch}, the published points are batch 1")
    size = _parameters(run.result.workload.values.get("model"))
    if size is not None and not PUBLISHED_SIZES[0] <= size <= PUBLISHED_SIZES[1]:
        found.append(f"{size / 1e9:.3g} billion parameters, the published points about 7")
    return "; ".join(found)


def _parameters(model: object) -> float | None:
    """Parameters of a dense decoder by its shape, norms left out; None for any other."""
    names = ("n_layers", "d_model", "n_heads", "n_kv_heads", "head_dim", "d_ff", "vocab_size")
    if not isinstance(model, dict) or any(not isinstance(model.get(name), int) for name in names):
        return None
    parts = model.get("architecture", {})
    if (parts.get("attention", {}).get("kind"), parts.get("feed_forward", {}).get("kind")) != ("attention", "gated"):
        return None
    layers, d_model, heads, kv_heads, head_dim, d_ff, words = (model[name] for name in names)
    block = d_model * (2 * heads + 2 * kv_heads) * head_dim + 3 * d_model * d_ff
    return float(layers * block + words * d_model * (1 if model.get("tie_embeddings") else 2))


def _run_row(run: Run) -> tuple[Cell, ...]:
    result = run.result
    precision = run.result.workload.values.get("precision", {})
    model = run.result.workload.values.get("model", {})
    return (
        run.label,
        FAMILY_NAMES[run.family],
        OURS,
        str(model.get("name", "")) if isinstance(model, dict) else str(model),
        str(precision.get("weights", "")) if isinstance(precision, dict) else str(precision),
        result.tokens_per_s,
        result.power_w,
        result.tokens_per_j,
        _mind(run),
        OURS,
    )


def _point_row(point: Published) -> tuple[Cell, ...]:
    return (
        point.system,
        FAMILY_NAMES[point.family],
        point.method,
        point.model,
        point.precision,
        point.tokens_per_s,
        point.power_w,
        point.tokens_per_j,
        "; ".join(point.caveats),
        point.paper,
    )
