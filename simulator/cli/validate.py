"""`nearbank validate`: judge the simulator against reference cases; exit code 1 when one disagrees."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from simulator.cli import output
from simulator.cli.arguments import Verbs, add_json

EXIT_FAILED = 1
MEASURED = "platforms"
"""The suite whose cases are measured points."""
PLOT_WIDTH = 640.0
REPORTS = (".html", ".md")


def add_parser(verbs: Verbs) -> None:
    """Register the verb."""
    parser = verbs.add_parser("validate", help="judge the simulator against reference cases", description=__doc__)
    parser.add_argument("--suite", action="append", metavar="NAME", help="suite to run; repeatable (default: all)")
    parser.add_argument("--data", type=Path, metavar="PATH", help="run one suite on another folder of the same format")
    parser.add_argument("--all-cases", action="store_true", help="list the cases that pass, too")
    parser.add_argument(
        "--plots",
        type=Path,
        metavar="DIR",
        help="write DIR/SUITE_METRIC.svg (and .png with CairoSVG): simulated against measured",
    )
    parser.add_argument(
        "--report",
        type=Path,
        metavar="FILE",
        help="also write FILE.html, all cases and pictures, or FILE.md, a summary",
    )
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
    if args.plots:
        _check_plots(names)
        output.prepare(args.plots)
    if args.report:
        if args.report.suffix not in REPORTS:
            raise ConfigError(
                f"--report: '{args.report.suffix}' is no form of a report (allowed: {', '.join(REPORTS)})"
            )
        output.prepare_file(args.report)
    reports = []
    for name in names:
        suite = SUITES.get(name)
        with progress(f"suite {name}", "cases") as report:
            reports.append(suite(args.data or default_data(name), report))
    documents = [report.document() for report in reports]
    if args.plots:
        _plot(documents, args.plots)
    if args.report:
        _report(documents, args)
    if args.json:
        output.document(documents[0] if len(documents) == 1 else {"suites": documents})
    else:
        from simulator.report import platforms_view, validation_view

        views = [platforms_view.view if "goals" in document else validation_view.view for document in documents]
        output.show(*(view(d, all_cases=args.all_cases) for view, d in zip(views, documents, strict=True)))
    return 0 if all(report.passed for report in reports) else EXIT_FAILED


def _check_plots(names: Sequence[str]) -> None:
    from simulator.errors import ConfigError

    if MEASURED not in names:
        raise ConfigError(f"--plots is for the suite '{MEASURED}', whose points were measured")


def _plot(documents: Sequence[Mapping[str, Any]], folder: Path) -> None:
    """Simulated against measured, as SVG and, where CairoSVG is installed, as PNG."""
    from importlib.util import find_spec

    from simulator.report.export import write
    from simulator.report.pictures.predictions import pictures

    formats = (".svg", ".png") if find_spec("cairosvg") else (".svg",)
    for document in documents:
        for picture in pictures(document) if document["suite"] == MEASURED else ():
            for suffix in formats:
                path = folder / f"{document['suite']}_{picture.name}{suffix}"
                with output.naming(path):
                    write(picture, path, PLOT_WIDTH)


def _report(documents: Sequence[Mapping[str, Any]], args: argparse.Namespace) -> None:
    import shlex

    from simulator.report.page.validation import page
    from simulator.report.validation_text import markdown

    data = ["--data", str(args.data)] if args.data else []
    commands = {d["suite"]: shlex.join(["nearbank", "validate", "--suite", d["suite"], *data]) for d in documents}
    write = page if args.report.suffix == ".html" else markdown
    with output.naming(args.report):
        output.write_atomically(args.report, write(documents, commands))
