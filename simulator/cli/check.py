"""`nearbank check`: judge a DRAM command log against every rule of its standard."""

from __future__ import annotations

import argparse
from pathlib import Path

from simulator.cli import output
from simulator.cli.arguments import Verbs, add_json

EXIT_FAILED = 1


def add_parser(verbs: Verbs) -> None:
    """Register the verb."""
    parser = verbs.add_parser(
        "check", help="judge a DRAM command log against every rule of its standard", description=__doc__
    )
    parser.add_argument("spec", metavar="SPEC", help="DRAM standard (`nearbank list drams`), platform, or a path")
    parser.add_argument(
        "log", metavar="LOG", type=Path, help="command log (*.cmd), as `nearbank replay --log` writes it"
    )
    add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Check and print each violation; exit code 1 if there is one."""
    from simulator.cli.specs import load_dram
    from simulator.dram.checker import check_log_file

    violations = check_log_file(load_dram(args.spec), args.log)
    if args.json:
        found = [{"tick": violation.tick, "rule": violation.rule} for violation in violations]
        output.document({"violations": len(violations), "found": found})
    else:
        output.text(f"violations: {len(violations)}")
        for violation in violations:
            output.text(str(violation))
    return EXIT_FAILED if violations else 0
