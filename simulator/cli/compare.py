"""`nearbank compare`: one workload on several platforms."""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from simulator.cli import output
from simulator.cli.arguments import Verbs, add_exact, add_json, add_overrides, positive_int
from simulator.errors import CapacityError, ConfigError

if TYPE_CHECKING:
    from simulator.report.compare_view import Entry

COMPARISON_FILE = "comparison.json"


def add_parser(verbs: Verbs) -> None:
    """Register the verb."""
    parser = verbs.add_parser("compare", help="one workload on several platforms", description=__doc__)
    parser.add_argument(
        "archs", nargs="+", metavar="ARCH", help="platforms: names from `nearbank list archs`, or paths"
    )
    parser.add_argument(
        "--workload", required=True, metavar="W", help="scenario: a name from `nearbank list scenarios`, or a path"
    )
    parser.add_argument(
        "--batch", type=positive_int, action="append", metavar="N", help="sequences decoded together; repeatable"
    )
    add_overrides(parser)
    add_exact(parser)
    add_json(parser)
    parser.add_argument(
        "-o", "--output", type=Path, metavar="DIR", help=f"also write DIR/{COMPARISON_FILE} and each result.json"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Simulate each platform at each batch size; what does not fit is a row of the table, and exit code 2."""
    from simulator.report.compare_view import document, view

    jobs = [(_name(arch, batch), arch, batch) for batch in args.batch or [None] for arch in args.archs]
    for name, times in Counter(name for name, _, _ in jobs).items():
        if times > 1:
            raise ConfigError(f"'{name}' is to be compared {times} times; each run needs a name of its own")
    if args.output:
        output.prepare(args.output)
    entries = [_entry(args, *job) for job in jobs]
    if args.output:
        output.write_atomically(args.output / COMPARISON_FILE, output.to_json(document(entries)))
    if args.json:
        output.document(document(entries))
    else:
        output.show(view(entries))
    return CapacityError.exit_code if any(entry.result is None for entry in entries) else 0


def _name(arch: str, batch: int | None) -> str:
    stem = Path(arch).name.removesuffix(".yaml")
    return stem if batch is None else f"{stem}_batch{batch}"


def _entry(args: argparse.Namespace, name: str, arch: str, batch: int | None) -> Entry:
    from simulator.cli.simulation import simulate_named
    from simulator.report.compare_view import Entry

    try:
        result = simulate_named(arch, args.workload, args.overrides, batch=batch, exact=args.exact)
    except CapacityError as error:
        if args.json:
            output.warn(str(error))
        return Entry(name, None, str(error))
    if args.output:
        output.write_atomically(args.output / name / "result.json", result.to_json())
    return Entry(name, result)
