"""`nearbank validate`: judge the simulator against reference cases; exit code 1 when one disagrees."""

from __future__ import annotations

import argparse
from pathlib import Path

from simulator.cli import output
from simulator.cli.arguments import Verbs, add_json

EXIT_FAILED = 1


def add_parser(verbs: Verbs) -> None:
    """Register the verb."""
    parser = verbs.add_parser("validate", help="judge the simulator against reference cases", description=__doc__)
    parser.add_argument("--suite", action="append", metavar="NAME", help="suite to run; repeatable (default: all)")
    parser.add_argument("--data", type=Path, metavar="PATH", help="run one suite on another folder of the same format")
    parser.add_argument("--all-cases", action="store_true", help="list the cases that pass, too")
    add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the suites and show each case."""
    from simulator.cli.progress import progress
    from simulator.cli.suites import SUITES
    from simulator.cli.suites.base import default_data
    from simulator.errors import ConfigError

    names = args.suite or list(SUITES.names())
    if args.data and len(names) != 1:
        raise ConfigError(f"--data is for one suite: name it with --suite (one of {', '.join(SUITES.names())})")
    reports = []
    for name in names:
        suite = SUITES.get(name)
        with progress(f"suite {name}", "cases") as report:
            reports.append(suite(args.data or default_data(name), report))
    if args.json:
        documents = [report.document() for report in reports]
        output.document(documents[0] if len(documents) == 1 else {"suites": documents})
    else:
        from simulator.report import platforms_view, validation_view

        documents = [report.document() for report in reports]
        views = [platforms_view.view if "goals" in document else validation_view.view for document in documents]
        output.show(*(view(d, all_cases=args.all_cases) for view, d in zip(views, documents, strict=True)))
    return 0 if all(report.passed for report in reports) else EXIT_FAILED
