"""`nearbank pareto`: the best compromises of a sweep."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from simulator.cli import output
from simulator.cli.arguments import Verbs, add_json
from simulator.errors import ConfigError

if TYPE_CHECKING:
    from simulator.config.conditions import Condition
    from simulator.explore.columns import Objective


def add_parser(verbs: Verbs) -> None:
    """Register the verb."""
    parser = verbs.add_parser(
        "pareto",
        help="the Pareto front of a sweep",
        description=__doc__,
        epilog="COLUMN is a column of the table, such as tokens_per_s; max:COLUMN or min:COLUMN says which way is "
        "better where the name does not.",
    )
    parser.add_argument("folder", type=Path, metavar="DIR", help="folder of a sweep, finished or not")
    parser.add_argument("--x", metavar="COLUMN", default="tokens_per_s", help="first objective (%(default)s)")
    parser.add_argument("--y", metavar="COLUMN", default="tokens_per_j", help="second objective (%(default)s)")
    parser.add_argument("--z", metavar="COLUMN", help="third objective")
    parser.add_argument(
        "--where", action="append", default=[], metavar="CONDITION", help="only points with 'power_w <= 75'; repeatable"
    )
    add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Show the front."""
    from simulator.explore.folder import Folder
    from simulator.explore.pareto import feasible, front
    from simulator.explore.run import load_finished
    from simulator.report.sweep_view import front_view

    finished = load_finished(Folder(args.folder))
    columns = finished.columns
    objectives = [_objective(text, columns) for text in (args.x, args.y, args.z) if text]
    try:
        rows = feasible(finished.rows, [_condition(text) for text in args.where])
    except ValueError as error:
        raise ConfigError(str(error), file="--where") from None
    best = front(rows, objectives)
    wanted = {objective.column: objective.direction for objective in objectives}
    if args.json:
        shown = ("point", *finished.terms.axes, *wanted)
        output.document(
            {"objectives": wanted, "points": len(rows), "front": [{c: r.get(c) for c in shown} for r in best]}
        )
    else:
        output.show(front_view(best, wanted, finished.terms.axes, rows))
    if finished.missing:
        output.warn(f"{args.folder}: {finished.missing} of {len(finished.points)} points have no result yet")
    return 0


def _objective(text: str, columns: list[str]) -> Objective:
    from simulator.config.nearest import hint
    from simulator.explore.columns import DIRECTIONS, Objective, usual_direction

    direction, colon, column = text.rpartition(":")
    if column not in columns:
        raise ConfigError(f"there is no column '{column}' in the table{hint(column, columns)}")
    if not colon:
        return Objective(column, usual_direction(column))
    if direction not in DIRECTIONS:
        raise ConfigError(f"'{direction}' is not a direction (allowed: {', '.join(DIRECTIONS)})")
    return Objective(column, DIRECTIONS[direction])


def _condition(text: str) -> Condition:
    from simulator.config.conditions import Condition

    return Condition(text)
