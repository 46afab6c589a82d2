"""The end of a sweep: its Pareto front and where its table lies."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from simulator.cli import output

if TYPE_CHECKING:
    from simulator.explore.run import Finished

EXIT_MISSING, EXIT_FAILED_POINTS = 1, 3
SCHEMA = "nearbank.sweep/1"


def show(finished: Finished, *, as_json: bool) -> int:
    """Show a sweep; gives the exit code: 3 if points failed, 1 if some are missing."""
    from simulator.explore.pareto import feasible, front
    from simulator.report.sweep_view import front_view

    terms = finished.terms
    rows = feasible(finished.rows, terms.conditions)
    best = front(rows, terms.objectives)
    counts = Counter(str(row["status"]) for row in finished.rows)
    if as_json:
        output.document(document(finished, best, counts))
    else:
        wanted = {objective.column: objective.direction for objective in terms.objectives}
        output.show(front_view(best, wanted, terms.axes, rows))
        output.text(f"table: {finished.table}")
    if finished.table is not None and finished.table.suffix == ".csv":
        output.warn("pyarrow is not installed, so the table is CSV; for Parquet: pip install 'nearbank[table]'")
    if finished.missing:
        output.warn(f"{finished.missing} of {len(finished.points)} points have no outcome yet")
    return EXIT_FAILED_POINTS if counts["failed"] else EXIT_MISSING if finished.missing else 0


def document(finished: Finished, best: Sequence[Mapping[str, Any]], counts: Mapping[str, int]) -> dict[str, Any]:
    """The sweep as data, schema ``nearbank.sweep/1``."""
    wanted = {objective.column: objective.direction for objective in finished.terms.objectives}
    shown = ("point", *finished.terms.axes, *wanted)
    return {
        "schema": SCHEMA,
        "name": finished.terms.name,
        "table": str(finished.table),
        "points": dict(counts),
        "missing": finished.missing,
        "objectives": wanted,
        "front": [{column: row.get(column) for column in shown} for row in best],
    }
