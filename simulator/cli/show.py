"""`nearbank show`: the resolved design point of a platform."""

from __future__ import annotations

import argparse

from simulator.cli import output
from simulator.cli.arguments import Verbs, add_json, add_overrides


def add_parser(verbs: Verbs) -> None:
    """Register the verb."""
    parser = verbs.add_parser("show", help="a platform's parts, peak figures and guesses", description=__doc__)
    parser.add_argument("arch", metavar="ARCH", help="platform: a name from `nearbank list archs`, or a path")
    add_overrides(parser)
    add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Show the resolved platform."""
    from simulator import api
    from simulator.report.design_point import describe

    arch = api.load_arch(args.arch, args.overrides)
    design = describe(arch.spec) | {"content_hash": arch.content_hash, "guesses": list(arch.guesses())}
    if args.json:
        output.document(design)
    else:
        from simulator.report.arch_view import view

        output.show(view(design))
    return 0
