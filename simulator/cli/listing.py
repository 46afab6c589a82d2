"""`nearbank list`: what can be named on the command line."""

from __future__ import annotations

import argparse

from simulator.cli import output
from simulator.cli.arguments import Verbs, add_json

KINDS = ("archs", "models", "quality", "scenarios", "drams", "units", "links", "costs")


def add_parser(verbs: Verbs) -> None:
    """Register the verb."""
    parser = verbs.add_parser(
        "list",
        help="names of platforms, models, published quality, scenarios, DRAM standards, units, costs",
        description=__doc__,
    )
    parser.add_argument("kind", choices=KINDS, metavar="KIND", help=" | ".join(KINDS))
    add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print one line for each name."""
    from simulator.config import paths

    entries = [entry(name) for name in paths.list_names(args.kind)]
    if args.json:
        output.document(entries)
        return 0
    from simulator.report.listing_view import lines, view

    if output.stdout().isatty():
        output.show(view(entries))
    else:
        output.raw("".join(f"{line}\n" for line in lines(entries)))
    return 0


def entry(ref: str) -> dict[str, str]:
    """Name, description and source of a document."""
    from simulator.config import loader

    data = loader.load_document(ref).data
    return {"name": ref, "description": data.get("description", ""), "source": data.get("source", "")}
