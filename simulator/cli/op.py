"""`nearbank op`: one operator on one platform."""

from __future__ import annotations

import argparse
import re

from simulator.cli import output
from simulator.cli.arguments import Verbs, add_engine, add_exact, add_json, add_overrides, positive_int

LARGEST = 2**24
SHAPE = re.compile(r"(\d+)[xX](\d+)")


def add_parser(verbs: Verbs) -> None:
    """Register the verb."""
    parser = verbs.add_parser("op", help="one operator on one platform", description=__doc__)
    parser.add_argument("arch", metavar="ARCH", help="platform: a name from `nearbank list archs`, or a path")
    parser.add_argument("kind", metavar="KIND", help="gemm, softmax, rmsnorm, ...")
    parser.add_argument("--shape", required=True, type=shape, metavar="OUTxIN", help="such as 4096x11008")
    parser.add_argument("--batch", type=positive_int, default=1, metavar="N", help="vectors the operator is applied to")
    add_overrides(parser)
    add_engine(parser)
    add_exact(parser)
    add_json(parser)
    parser.set_defaults(run=run)


def shape(text: str) -> tuple[int, int]:
    """``OUTxIN`` as two whole numbers of at least 1."""
    match = SHAPE.fullmatch(text)
    sizes = (int(match[1]), int(match[2])) if match else (0, 0)
    if max(sizes) > LARGEST:
        raise argparse.ArgumentTypeError(f"'{text}' is out of range (allowed: 1..{LARGEST} each)")
    if min(sizes) < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not OUTxIN, such as 4096x11008")
    return sizes


def run(args: argparse.Namespace) -> int:
    """Simulate the operator and show it."""
    from simulator import api

    arch = api.load_arch(args.arch, args.overrides)
    done = api.run_op(arch, args.kind, args.shape, batch=args.batch, exact=args.exact, engine=args.engine)
    if args.json:
        output.document(done)
    else:
        from simulator.report.op_view import view

        output.show(view(args.arch, args.kind, args.shape, args.batch, done))
    return 0
