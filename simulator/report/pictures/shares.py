"""Where the joules and the time go: one bar a run, shared out among parts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from simulator.metrics.result import ENERGY_CLASSES
from simulator.report.bars import REST, largest
from simulator.report.evidence import Run
from simulator.report.numbers import amount, percent
from simulator.report.pictures.picture import Cell, Picture, Table, tip
from simulator.report.svg.canvas import Canvas, shortened, text_width
from simulator.report.svg.key import draw_key, key_height
from simulator.report.svg.style import COLOURS, DEEP_FILLS, GREY_FILLS, GREYS, colour

Parts = Callable[[Run], Mapping[str, float]]
SHOWN = 9
"""Parts told apart; the smaller ones are added up."""

ROW, BAR = 30.0, 18.0


def energy_by_class(runs: Sequence[Run]) -> Picture:
    """By what it is spent on, of the whole run."""
    names = [name for name in ENERGY_CLASSES if any(run.result.energy_j.by_class[name] > 0 for run in runs)]
    return shares(
        runs, "energy-class", "Energy by class", lambda run: run.result.energy_j.by_class, "J", "the whole run", names
    )


def energy_by_component(runs: Sequence[Run]) -> Picture:
    """By the part that spends it, of the whole run."""
    return shares(
        runs,
        "energy-component",
        "Energy by component",
        lambda run: run.result.energy_j.by_component,
        "J",
        "the whole run",
    )


def energy_by_op(runs: Sequence[Run]) -> Picture:
    """By op kind, of the decode stage."""

    def parts(run: Run) -> Mapping[str, float]:
        by_kind = run.result.energy_by_op_kind_j[run.stage]
        return {kind: joules / run.decoded_tokens for kind, joules in by_kind.items()}

    return shares(runs, "energy-op", "Energy by op kind", parts, "J", "one token of the decode stage")


def time_by_op(runs: Sequence[Run]) -> Picture:
    """By op kind, of the decode stage."""

    def parts(run: Run) -> Mapping[str, float]:
        return {kind: seconds / run.decode_steps for kind, seconds in run.result.time_by_op_kind_s[run.stage].items()}

    return shares(runs, "time-op", "Time by op kind", parts, "s", "one step of the decode stage")


def shares(  # noqa: PLR0913 - what is shared out, and in which words
    runs: Sequence[Run],
    name: str,
    title: str,
    parts: Parts,
    unit: str,
    of: str,
    names: Sequence[str] | None = None,
) -> Picture:
    """One bar a run: the ``parts`` of something, in ``unit``, ``of`` what. ``names``: those told apart, in order."""
    by_run = {run.name: parts(run) for run in runs}
    shown = list(names) if names is not None else _largest(by_run)
    everything = {kind for values in by_run.values() for kind in values}
    rest = bool(everything - set(shown))
    columns = [*shown, *([REST] if rest else [])]
    rows = [(run.label, *(_value(by_run[run.name], kind, shown) for kind in columns)) for run in runs]
    top = largest({kind: sum(_share(values, kind) for values in by_run.values()) for kind in everything}, 1)
    return Picture(
        name,
        title,
        f"One bar a run, all of the same length, with the total at the right in {unit}, of {of}. "
        f"The largest part over all runs is {top[0] if top else 'none'}.",
        lambda width: _draw(runs, by_run, columns, shown, unit, width),
        Table(("run", *(f"{kind} ({unit})" for kind in columns)), rows),
        note=f"Of {of}.",
    )


def _largest(by_run: Mapping[str, Mapping[str, float]]) -> list[str]:
    """The parts that take most over all runs, what flows regardless of ops last."""
    shares: dict[str, float] = {}
    for values in by_run.values():
        for kind in values:
            shares[kind] = shares.get(kind, 0.0) + _share(values, kind)
    shown = largest(shares, SHOWN)
    return [*(kind for kind in shown if kind not in GREYS), *(kind for kind in shown if kind in GREYS)]


def _share(values: Mapping[str, float], kind: str) -> float:
    total = sum(values.values())
    return values.get(kind, 0.0) / total if total else 0.0


def _value(values: Mapping[str, float], kind: str, shown: Sequence[str]) -> Cell:
    if kind == REST and REST not in values:
        return sum(value for name, value in values.items() if name not in shown)
    return values.get(kind, 0.0)


def looks(names: Sequence[str]) -> dict[str, tuple[str, bool]]:
    """Each part's colour class, and whether it is hatched: the second round of the same colours is."""
    found, position = {}, 0
    for name in names:
        if name in GREYS:
            found[name] = (GREYS[name], False)
        else:
            found[name] = (colour(position), position >= COLOURS)
            position += 1
    return found


def _draw(  # noqa: PLR0913 - the runs, their parts, and how they are named
    runs: Sequence[Run],
    by_run: Mapping[str, Mapping[str, float]],
    columns: Sequence[str],
    shown: Sequence[str],
    unit: str,
    width: float,
) -> Canvas:
    narrow = width < 600
    look = looks(columns)
    keys_height = key_height(columns, width)
    row_height = ROW + (16 if narrow else 0)
    canvas = Canvas(width, keys_height + 10 + row_height * len(runs) + 4)
    draw_key(canvas, columns, width, lambda kind, x, y: _swatch(canvas, x - 6, y - 6, 12, 12, look[kind]))
    left = 0.0 if narrow else min(260.0, 16 + max(text_width(run.label, 12.5) for run in runs))
    right = width - 76
    for position, run in enumerate(runs):
        top = keys_height + 10 + position * row_height + (16 if narrow else 0)
        values = [float(_value(by_run[run.name], kind, shown) or 0) for kind in columns]
        if narrow:
            canvas.text(0, top - 5, run.label, "name")
        else:
            canvas.text(left - 12, top + 13, shortened(run.label, left - 12, 12.5), "name", text_anchor="end")
        _bar(canvas, run, dict(zip(columns, values, strict=True)), look, (left, right, top), unit)
        canvas.text(width, top + 13, amount(sum(values), unit), "strong", text_anchor="end")
    return canvas


def _bar(  # noqa: PLR0913 - a run, its parts, their looks, and where they go
    canvas: Canvas,
    run: Run,
    parts: Mapping[str, float],
    look: Mapping[str, tuple[str, bool]],
    where: tuple[float, float, float],
    unit: str,
) -> None:
    left, right, top = where
    total = sum(parts.values())
    if not total:
        return
    x = left
    for kind, value in parts.items():
        length = value / total * (right - left)
        if length > 0.2:
            words = tip(run.label, f"{kind}: {amount(value, unit)}, {percent(value / total)}")
            _swatch(canvas, x, top, length, BAR, look[kind], tip_words=words)
            share = f"{value / total:.0%}".replace("%", " %")
            if length > text_width(share, 11) + 8 and not look[kind][1]:
                letters = _letters(look[kind][0])
                canvas.text(x + length / 2, top + 13, share, letters, text_anchor="middle", pointer_events="none")
        x += length


def _letters(fill: str) -> str:
    """The class of letters on a fill."""
    return "on-deep" if fill in DEEP_FILLS else "on-grey" if fill in GREY_FILLS else "on-light"


def _swatch(  # noqa: PLR0913 - a rectangle and its look
    canvas: Canvas,
    x: float,
    y: float,
    width: float,
    height: float,
    look: tuple[str, bool],
    *,
    tip_words: str | None = None,
) -> None:
    fill, hatched = look
    kind = f"{'m ' if tip_words else ''}seg f-{fill}"
    canvas.add("rect", x=x, y=y, width=width, height=height, class_=kind, data_tip=tip_words)
    if hatched:
        start = x - height
        while start < x + width:
            low, high = max(start, x), min(start + height, x + width)
            canvas.line(
                low, y + height - (low - start), high, y + height - (high - start), "hatch", pointer_events="none"
            )
            start += 7
