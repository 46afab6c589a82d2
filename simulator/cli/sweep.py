"""`nearbank sweep`: every design point of a sweep YAML, on this machine or on a cluster."""

from __future__ import annotations

import argparse
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simulator.cli import output
from simulator.cli.arguments import Verbs, add_json, positive_int

if TYPE_CHECKING:
    from simulator.explore.columns import Objective
    from simulator.explore.plan import Plan
    from simulator.explore.run import Finished

EXIT_FAILED_POINTS = 3
EXIT_INTERRUPTED = 130


def add_parser(verbs: Verbs) -> None:
    """Register the verb."""
    parser = verbs.add_parser("sweep", help="simulate every point of a design space", description=__doc__)
    parser.add_argument("spec", metavar="SPEC", help="the YAML of a sweep")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="DIR", help="folder of the sweep")
    parser.add_argument(
        "-j", "--jobs", type=positive_int, metavar="N", help="worker processes (default: one for each core)"
    )
    parser.add_argument("--resume", action="store_true", help="continue what DIR holds; only what is new is simulated")
    parser.add_argument("--retry-failed", action="store_true", help="with --resume: also try failed points again")
    add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Sweep and show the Pareto front; exit code 3 if points failed."""
    from simulator.api import EVALUATE, read_sweep
    from simulator.cli.sweep_watch import watching
    from simulator.explore.executors.local import local_executor
    from simulator.explore.folder import Folder
    from simulator.explore.run import run_sweep

    plan = read_sweep(args.spec)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with watching(plan.name, plan.objectives) as watch:
        try:
            finished = run_sweep(
                plan,
                Folder(args.output),
                lambda plan: local_executor(plan, EVALUATE, args.output, args.jobs),
                watch,
                resume=args.resume or args.retry_failed,
                retry=args.retry_failed,
            )
        except KeyboardInterrupt:
            output.warn(f"interrupted: {watch.progress.done} points are done; --resume continues")
            return EXIT_INTERRUPTED
    watch.end()
    return show(args, finished, plan)


def show(args: argparse.Namespace, finished: Finished, plan: Plan) -> int:
    """The Pareto front and where the table lies."""
    from simulator.explore.pareto import feasible, front
    from simulator.report.sweep_view import front_view

    rows = feasible(finished.rows, plan.constraints)
    best = front(rows, plan.objectives)
    counts = _counts(finished)
    if args.json:
        output.document(document(finished, plan.objectives, best, counts))
    else:
        wanted = {objective.column: objective.direction for objective in plan.objectives}
        output.show(front_view(best, wanted, finished.axes, len(rows)))
        output.text(f"table: {finished.table}")
    if finished.table is not None and finished.table.suffix == ".csv":
        output.warn("pyarrow is not installed, so the table is CSV; for Parquet: pip install 'nearbank[table]'")
    return EXIT_FAILED_POINTS if counts.get("failed") else 0


def _counts(finished: Finished) -> dict[str, int]:
    from collections import Counter

    return dict(Counter(str(row["status"]) for row in finished.rows))


def document(
    finished: Finished, objectives: tuple[Objective, ...], best: list[dict[str, Any]], counts: dict[str, int]
) -> dict[str, Any]:
    """The sweep as data, schema ``nearbank.sweep/1``."""
    wanted = [objective.column for objective in objectives]
    return {
        "schema": "nearbank.sweep/1",
        "table": str(finished.table),
        "points": counts,
        "missing": finished.missing,
        "objectives": {objective.column: objective.direction for objective in objectives},
        "front": [{"point": row["point"]} | {c: row.get(c) for c in (*finished.axes, *wanted)} for row in best],
    }
