"""The table of a sweep: one row a point, in the order of the sweep, written as Parquet or CSV."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from simulator.config.tree import Scalar
from simulator.explore.columns import Row
from simulator.explore.folder import Folder
from simulator.explore.journal import Texts
from simulator.explore.outcome import Outcome
from simulator.explore.points import Point

PARQUET, CSV, ASSUMPTIONS = "results.parquet", "results.csv", "assumptions.json"
LEADING = ("point", "status", "error", "assumptions")
"""Columns that every row has, before the axes. ``assumptions``: a key of assumptions.json."""


def rows_of(points: Sequence[Point], outcomes: Mapping[str, Outcome]) -> list[Row]:
    """A row for each point that has an outcome; each lacks the columns that it has no figure for."""
    return [_row(point, outcomes[point.id]) for point in points if point.id in outcomes]


def _row(point: Point, outcome: Outcome) -> Row:
    key = Texts.key(outcome.assumptions) if outcome.assumptions else None
    leading = {"point": point.id, "status": outcome.status, "error": outcome.error, "assumptions": key}
    return {**leading, **point.labels, **outcome.figures}


def columns_of(rows: Sequence[Row], labels: Sequence[str]) -> list[str]:
    """All columns: leading, those of the axes, figures sorted by name."""
    first = dict.fromkeys([*LEADING, *labels])
    return [*first, *sorted({column for row in rows for column in row} - first.keys())]


def write_table(folder: Folder, rows: Sequence[Row], labels: Sequence[str], outcomes: Mapping[str, Outcome]) -> Path:
    """Write the table and the assumptions that it refers to; Parquet where pyarrow is installed. Gives its path."""
    texts = {Texts.key(o.assumptions): o.assumptions for o in outcomes.values() if o.assumptions}
    used = {row["assumptions"] for row in rows}
    kept = {key: value for key, value in sorted(texts.items()) if key in used}
    folder.write(ASSUMPTIONS, json.dumps(kept, indent=2) + "\n")
    columns = columns_of(rows, labels)
    if find_spec("pyarrow") is None:
        (folder.path / PARQUET).unlink(missing_ok=True)
        return folder.write(CSV, _csv(rows, columns))
    (folder.path / CSV).unlink(missing_ok=True)
    return _write_parquet(folder.path / PARQUET, rows, columns)


def _csv(rows: Sequence[Row], columns: Sequence[str]) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def _write_parquet(path: Path, rows: Sequence[Row], columns: Sequence[str]) -> Path:
    import pyarrow as pa
    import pyarrow.parquet as pq

    partial = path.with_name(f".{path.name}.part")
    table = pa.table({column: _array(pa, [row.get(column) for row in rows]) for column in columns})
    try:
        pq.write_table(table, partial)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return path


def _array(pa: Any, values: Sequence[Scalar]) -> Any:
    """A column; values of several kinds, which an axis may have, become text."""
    kinds = {type(value) for value in values if value is not None}
    if kinds <= {int, float} and float in kinds:
        return pa.array([None if value is None else float(value) for value in values], pa.float64())
    if len(kinds) > 1 or any(isinstance(value, int) and abs(value) >= 2**63 for value in values):
        return pa.array([None if value is None else str(value) for value in values])
    return pa.array(values)
