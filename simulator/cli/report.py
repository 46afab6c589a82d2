"""`nearbank report`: one page of runs, comparisons and sweeps, that works without a network."""

from __future__ import annotations

import argparse
import shlex
from dataclasses import replace
from pathlib import Path

from simulator.cli import output
from simulator.cli.arguments import Verbs, positive_float
from simulator.cli.prices import add_costs, payment, terms_of

PAGE_FILE = "report.html"


def add_parser(verbs: Verbs) -> None:
    """Register the verb."""
    parser = verbs.add_parser("report", help="one page of runs, comparisons and sweeps", description=__doc__)
    parser.add_argument(
        "folders", nargs="+", type=Path, metavar="DIR", help="folders written by run -o, compare -o or sweep -o"
    )
    parser.add_argument("--max-power-w", type=positive_float, metavar="W", help="the power cap of the first screen")
    add_costs(parser)
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help=f"the page (default: {PAGE_FILE} in the first DIR)"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Write the page and say where it is."""
    from simulator.cli.evidence import evidence_of
    from simulator.report.page.build import page

    evidence = replace(evidence_of(args.folders, args.max_power_w, terms_of(args)), command=_command(args))
    path = args.output or args.folders[0] / PAGE_FILE
    output.prepare_file(path)
    output.write_atomically(path, page(evidence))
    output.text(str(path))
    return 0


def _command(args: argparse.Namespace) -> str:
    """What makes the page again."""
    cap = [] if args.max_power_w is None else ["--max-power-w", f"{args.max_power_w:g}"]
    return shlex.join(["nearbank", "report", *(str(folder) for folder in args.folders), *cap, *payment(args)])
