"""Columns: the figures of a result, flattened under dotted names with their units, and what to look for in them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from pydantic import BaseModel

from simulator.config.nearest import hint
from simulator.config.tree import Scalar
from simulator.metrics.result import Result

Row = dict[str, Scalar]
"""Column -> value."""

LEFT_OUT = {
    *(
        "schema",
        "arch.values",
        "workload.values",
        "assumptions",
        "calibrations",
        "quality_from",
        "work_by_op_kind",
        "busy_profile",
        "traffic.series",
    ),
    *(f"provenance.{name}" for name in ("config_hashes", "python", "wall_s")),
}
"""Parts of a result that are no figure, or (``wall_s``) not the same every time."""

HIGHER_IS_BETTER = (
    *("tokens_per_s", "tokens_per_j", "traffic.answered_per_s", "traffic.total_tokens_per_s"),
    *("traffic.slo.met_share", "traffic.slo.goodput_per_s"),
)
"""Columns to be maximised unless said otherwise; any other figure is a cost."""

Direction = Literal["max", "min"]
DIRECTIONS: dict[str, Direction] = {"max": "max", "min": "min"}


def flatten(result: Result) -> Row:
    """The figures of ``result``."""
    row: Row = {}
    _flatten(result.model_dump(mode="json"), "", row)
    return row


def _flatten(data: Mapping[str, Any], prefix: str, row: Row) -> None:
    for key, value in data.items():
        name = f"{prefix}{key}"
        if name in LEFT_OUT:
            continue
        if isinstance(value, Mapping):
            _flatten(value, f"{name}.", row)
        else:
            row[name] = value


def fixed_columns(model: type[BaseModel] = Result, prefix: str = "") -> dict[str, bool]:
    """Column, or beginning of columns -> whether more names follow it, such as those of components."""
    found: dict[str, bool] = {}
    for name, field in model.model_fields.items():
        column = f"{prefix}{field.alias or name}"
        if column in LEFT_OUT:
            continue
        part = _part(field.annotation)
        if part is not None:
            found |= fixed_columns(part, f"{column}.")
        else:
            found[column] = str(field.annotation).startswith("dict")
    return found


def _part(annotation: object) -> type[BaseModel] | None:
    """The class of a part of the result, which some results may not have."""
    choices = (annotation, *get_args(annotation))
    return next((c for c in choices if isinstance(c, type) and issubclass(c, BaseModel)), None)


QUALITY = "quality."


def _check_metric(metric: str) -> None:
    """Raise ValueError for a metric of which no figure was published."""
    from simulator.workload.quality import published

    known = sorted({figure.metric for figure in published()})
    if metric not in known:
        raise ValueError(f"no figures were published by '{metric}' (known: {', '.join(known)}){hint(metric, known)}")


def check_column(name: str) -> None:
    """Raise ValueError with the nearest column when no result can have a column ``name``."""
    columns = fixed_columns()
    if name.startswith(QUALITY):
        _check_metric(name.removeprefix(QUALITY))
    if name in columns and not columns[name]:
        return
    if any(more and name.startswith(f"{column}.") for column, more in columns.items()):
        return
    raise ValueError(f"there is no column '{name}' in a result{hint(name, columns)}")


@dataclass(frozen=True)
class Objective:
    """A column to be as large (``max``) or as small as possible."""

    column: str
    direction: Direction

    def cost(self, row: Mapping[str, Scalar]) -> float | None:
        """The figure as something to be minimised; None where a row does not have it."""
        value = row.get(self.column)
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        return -value if self.direction == "max" else float(value)


def objective(given: str | Mapping[str, Direction]) -> Objective:
    """``column`` or ``{column: max}``; without a direction the usual one. Raises ValueError for an unknown column."""
    name, direction = (given, None) if isinstance(given, str) else next(iter(given.items()))
    check_column(name)
    return Objective(name, direction or usual_direction(name))


def usual_direction(column: str) -> Direction:
    """Which way a figure is better, by its name."""
    better = column in HIGHER_IS_BETTER or column.startswith("utilization.")
    return "max" if better or (column.startswith(QUALITY) and column.endswith("_accuracy")) else "min"


def best(rows: Iterable[Mapping[str, Scalar]], wanted: Objective) -> Mapping[str, Scalar] | None:
    """The row that is best in one objective; the first of equals."""
    found, least = None, float("inf")
    for row in rows:
        cost = wanted.cost(row)
        if cost is not None and cost < least:
            found, least = row, cost
    return found
