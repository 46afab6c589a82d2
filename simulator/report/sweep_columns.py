"""The columns of a sweep that a report shows: its axes, and the figures that designs are judged by."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from simulator.report.evidence import Scalar, SweepTable

FIGURES = (
    "tokens_per_s",
    "tokens_per_j",
    "power_w",
    "latency.tpot_s",
    "latency.ttft_s",
    "energy_j.total",
    "capacity.needed_bytes",
)
LOG_SPAN = 20.0
"""Positive values that span more than this factor are shown in the logarithm."""

Row = Mapping[str, Scalar]


@dataclass(frozen=True)
class Column:
    """A column over the done points. ``categories``: its values in their order where they are not figures."""

    name: str
    values: Sequence[Scalar]
    categories: tuple[str, ...] = ()

    @property
    def numbers(self) -> list[float]:
        """The figures; those of a column of categories are their positions. Missing ones are NaN."""
        if self.categories:
            place = {name: float(position) for position, name in enumerate(self.categories)}
            return [place.get(str(value), math.nan) for value in self.values]
        return [float(value) if isinstance(value, int | float) else math.nan for value in self.values]

    @property
    def log(self) -> bool:
        """Whether it is shown in the logarithm."""
        known = [value for value in self.numbers if not math.isnan(value)]
        return not self.categories and bool(known) and min(known) > 0 and max(known) / min(known) >= LOG_SPAN


def done(sweep: SweepTable) -> list[Row]:
    """The rows of the points that were simulated."""
    return [row for row in sweep.rows if row.get("status") == "done"]


def columns(sweep: SweepTable) -> list[Column]:
    """The axes that vary over the done points, then the figures that they have; objectives first among these."""
    rows = done(sweep)
    axes = [_column(rows, name) for name in sweep.axes]
    figures = [_column(rows, name) for name in dict.fromkeys((*sweep.objectives, *FIGURES))]
    return [
        *(axis for axis in axes if len({str(value) for value in axis.values}) > 1),
        *(figure for figure in figures if any(value is not None for value in figure.values) and not figure.categories),
    ]


def _column(rows: Sequence[Row], name: str) -> Column:
    values = [row.get(name) for row in rows]
    numeric = all(value is None or (isinstance(value, int | float) and not isinstance(value, bool)) for value in values)
    return Column(name, values, () if numeric else _ordered(dict.fromkeys(str(value) for value in values)))


def _ordered(names: Iterable[str]) -> tuple[str, ...]:
    """Names that are figures by size, others as they came."""
    names = tuple(names)
    try:
        return tuple(sorted(names, key=float))
    except ValueError:
        return names


def axes_of(sweep: SweepTable) -> list[Column]:
    """The axes among the columns."""
    return [column for column in columns(sweep) if column.name in sweep.axes]


def explained(column: Column, figures: Sequence[float], bins: int = 10) -> float:
    """Share of the variance of ``figures`` between the values of ``column``: what this axis alone explains, 0 to 1.

    More than ``bins`` values of an axis of figures are gathered into that many of equal size.
    """
    keys = column.numbers
    known = [(key, figure) for key, figure in zip(keys, figures, strict=True) if not math.isnan(key + figure)]
    if len(known) < 2:
        return 0.0
    distinct = sorted({key for key, _ in known})
    if len(distinct) > bins and not column.categories:
        known.sort()
        known = [(float(position * bins // len(known)), figure) for position, (_, figure) in enumerate(known)]
    groups: dict[float, list[float]] = {}
    for key, figure in known:
        groups.setdefault(key, []).append(figure)
    mean = math.fsum(figure for _, figure in known) / len(known)
    total = math.fsum((figure - mean) ** 2 for _, figure in known)
    between = math.fsum(len(group) * (math.fsum(group) / len(group) - mean) ** 2 for group in groups.values())
    return between / total if total else 0.0


def front_of(xs: Sequence[float], ys: Sequence[float], *, low_x: bool, low_y: bool) -> list[int]:
    """Positions of the points that no other beats in both figures; ``low``: whether less is better."""
    sign_x, sign_y = (1 if low_x else -1), (1 if low_y else -1)
    known = [n for n in range(len(xs)) if not math.isnan(xs[n] + ys[n])]
    order = sorted(known, key=lambda n: (sign_x * xs[n], sign_y * ys[n], n))
    kept, best = [], math.inf
    for n in order:
        if sign_y * ys[n] < best:
            kept.append(n)
            best = sign_y * ys[n]
    return kept
