"""`nearbank plot`: one picture of a report as a file of its own, for papers."""

from __future__ import annotations

import argparse
from pathlib import Path

from simulator.cli import output
from simulator.cli.arguments import Verbs, positive_float, positive_int
from simulator.cli.prices import add_costs, terms_of
from simulator.errors import ConfigError


def add_parser(verbs: Verbs) -> None:
    """Register the verb."""
    parser = verbs.add_parser("plot", help="a picture as SVG, PNG or PDF", description=__doc__)
    parser.add_argument("folder", type=Path, metavar="DIR", help="folder written by run -o, compare -o or sweep -o")
    parser.add_argument("name", nargs="?", metavar="NAME", help="the picture; without it their names are listed")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="FILE.svg, FILE.png or FILE.pdf")
    parser.add_argument("--width", type=positive_int, metavar="PX", help="width of the drawing (default: its own)")
    parser.add_argument("--max-power-w", type=positive_float, metavar="W", help="a power cap to draw in")
    add_costs(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Draw, or list what can be drawn."""
    from simulator.cli.evidence import evidence_of
    from simulator.config.nearest import hint
    from simulator.report.export import check_suffix, write
    from simulator.report.pictures.catalog import every_picture

    if args.name is not None:
        if args.output is None:
            raise ConfigError("a picture needs a file to go to: -o FILE.svg, FILE.png or FILE.pdf")
        check_suffix(args.output)
    pictures = every_picture(evidence_of([args.folder], args.max_power_w, terms_of(args)))
    if args.name is None:
        for name, picture in pictures.items():
            output.text(f"{name}  {picture.title}")
        return 0
    if args.name not in pictures:
        raise ConfigError(f"there is no picture '{args.name}' in {args.folder}{hint(args.name, pictures)}")
    output.prepare_file(args.output)
    with output.naming(args.output):
        write(pictures[args.name], args.output, args.width)
    return 0
