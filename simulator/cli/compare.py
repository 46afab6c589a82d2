"""`nearbank compare`: platforms, batch sizes and methods side by side, as a table and as a page."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from simulator.cli import output
from simulator.cli.arguments import Verbs, add_exact, add_json, add_overrides, positive_float, positive_int
from simulator.cli.prices import add_costs, payment, terms_of
from simulator.cli.result_folder import write
from simulator.errors import CapacityError, MappingError

if TYPE_CHECKING:
    from simulator.cli.jobs import Job, Method
    from simulator.report.comparison import Comparison, Entry
    from simulator.report.money import Terms

PAGE_FILE = "index.html"


def add_parser(verbs: Verbs) -> None:
    """Register the verb."""
    parser = verbs.add_parser("compare", help="platforms, batch sizes and methods side by side", description=__doc__)
    parser.add_argument(
        "archs", nargs="+", metavar="ARCH", help="platforms: names from `nearbank list archs`, or paths"
    )
    parser.add_argument(
        "--workload",
        required=True,
        action="append",
        metavar="W",
        help="scenario: a name from `nearbank list scenarios`, or a path; repeatable",
    )
    parser.add_argument(
        "--batch", type=positive_int, action="append", metavar="N", help="sequences decoded together; repeatable"
    )
    parser.add_argument(
        "--method",
        type=_method,
        action="append",
        metavar="NAME:PATH=VALUE,...",
        help="a way to run the model, such as w4:precision.weights=int4; NAME alone changes nothing; repeatable",
    )
    parser.add_argument(
        "--max-power-w", type=positive_float, metavar="W", help="also say who is fastest within so many watts"
    )
    add_costs(parser)
    add_overrides(parser)
    add_exact(parser)
    add_json(parser)
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="DIR",
        help=f"also write DIR/{PAGE_FILE}, DIR/{output.COMPARISON_FILE} and each result.json",
    )
    parser.set_defaults(run=run)


def _method(text: str) -> Method:
    from simulator.cli.jobs import method

    return method(text)


def run(args: argparse.Namespace) -> int:
    """Simulate all combinations; what does not fit or is not supported is a row of the table, and exit code 2."""
    from simulator.cli.jobs import jobs
    from simulator.report.compare_view import view
    from simulator.report.comparison import Comparison, document

    terms = terms_of(args)
    wanted = jobs(args.archs, args.workload, args.method or (), args.batch or (), args.overrides)
    if args.output:
        output.prepare(args.output)
    _check(wanted, terms)
    entries = [_entry(args, job) for job in wanted]
    comparison = Comparison(entries, _command(args), args.max_power_w, terms)
    if args.output:
        output.write_atomically(args.output / output.COMPARISON_FILE, output.to_json(document(comparison)))
        _write_page(args, wanted, comparison)
    if args.json:
        output.document(document(comparison))
    else:
        output.show(view(comparison))
        if args.output:
            output.text(f"\npage: {args.output / PAGE_FILE}")
    return CapacityError.exit_code if any(entry.result is None for entry in entries) else 0


def _command(args: argparse.Namespace) -> str:
    """The comparison as a command, without where it was written."""
    words = ["nearbank", "compare", *args.archs]
    for workload in args.workload:
        words += ["--workload", workload]
    for batch in args.batch or ():
        words += ["--batch", str(batch)]
    for one in args.method or ():
        words += ["--method", f"{one.name}:{','.join(one.overrides)}" if one.overrides else one.name]
    for override in args.overrides:
        words += ["--set", override]
    if args.max_power_w is not None:
        words += ["--max-power-w", f"{args.max_power_w:g}"]
    words += payment(args)
    return shlex.join([*words, "--exact"] if args.exact else words)


def _check(wanted: Sequence[Job], terms: Terms | None) -> None:
    """Load what the comparison names before the first run, so that a wrong name costs no time."""
    from simulator import api
    from simulator.cli.arguments import split_overrides
    from simulator.metrics.cost.market import check_priced

    names = []
    for arch, workload, overrides in dict.fromkeys((job.arch, job.workload, job.overrides) for job in wanted):
        for_arch, for_workload = split_overrides(list(overrides))
        names.append(api.load_arch(arch, for_arch).spec.name)
        api.load_workload(workload, for_workload)
    if terms is not None:
        check_priced(terms.costs, names)


def _entry(args: argparse.Namespace, job: Job) -> Entry:
    from simulator.cli.simulation import simulate_named
    from simulator.metrics.command_window import CommandWindow
    from simulator.report.comparison import Entry

    command, window = job.command(exact=args.exact), CommandWindow() if args.output else None
    try:
        result = simulate_named(job.arch, job.workload, job.overrides, batch=job.batch, exact=args.exact, window=window)
    except (CapacityError, MappingError) as error:
        if args.json:
            output.warn(str(error))
        verdict = "does not fit" if isinstance(error, CapacityError) else "is not supported"
        return Entry(job.name, job.design, None, str(error), command, verdict)
    if window:
        write(args.output / job.name, result, window)
    return Entry(job.name, job.design, result, None, command, issued=window.told() if window else {})


def _write_page(args: argparse.Namespace, wanted: Sequence[Job], comparison: Comparison) -> None:
    from simulator.cli.evidence import point_of, points_of
    from simulator.report.evidence import Evidence
    from simulator.report.page.build import page

    points = points_of((job.arch, job.overrides) for job in wanted)
    runs = [
        replace(run, point=points.get(run.result.arch.content_hash) or point_of(run.result)) for run in comparison.runs
    ]
    failed = {entry.name: entry.error for entry in comparison.entries if entry.error is not None}
    evidence = Evidence(runs, failed, (), args.max_power_w, f"{comparison.command} -o DIR", comparison.money)
    output.write_atomically(args.output / PAGE_FILE, page(evidence))
