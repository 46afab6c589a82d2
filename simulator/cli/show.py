"""`nearbank show`: the resolved design point of a platform, what its mappers choose, or a model's published quality."""

from __future__ import annotations

import argparse

from simulator.cli import output
from simulator.cli.arguments import Verbs, add_json, add_overrides, positive_int, split_overrides


def add_parser(verbs: Verbs) -> None:
    """Register the verb."""
    parser = verbs.add_parser("show", help="a platform's parts, peak figures and guesses", description=__doc__)
    parser.add_argument("arch", metavar="ARCH", help="platform: a name from `nearbank list archs`, or a path")
    parser.add_argument(
        "--quality", action="store_true", help="ARCH is a model: show its published perplexities and accuracies instead"
    )
    parser.add_argument(
        "--mapping", metavar="WORKLOAD", help="show the tiles, splits and loop orders chosen for a workload instead"
    )
    parser.add_argument("--batch", type=positive_int, metavar="N", help="sequences of that workload")
    add_overrides(parser)
    add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Show the resolved platform, or its mappings."""
    from simulator.errors import ConfigError

    if args.quality:
        return _quality(args)
    if args.mapping:
        return _mappings(args)
    if args.batch:
        raise ConfigError("--batch is for --mapping WORKLOAD")
    return _design(args)


def _quality(args: argparse.Namespace) -> int:
    from simulator.errors import ConfigError
    from simulator.workload.quality import published, recorded_models

    if args.mapping or args.batch or args.overrides:
        raise ConfigError("--quality goes with a model alone, without --mapping, --batch and --set")
    known = recorded_models()
    if args.arch not in known:
        from simulator.config.paths import not_found

        raise ConfigError(not_found(args.arch, ("model",)))
    found = [figure for figure in published() if figure.model == args.arch]
    if args.json:
        output.document([figure.record() for figure in found])
    else:
        from simulator.report.quality_view import view

        output.show(view(args.arch, found))
    return 0


def _design(args: argparse.Namespace) -> int:
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


def _mappings(args: argparse.Namespace) -> int:
    from simulator import api

    platform, workload = split_overrides(args.overrides)
    batch = [f"batch={args.batch}"] if args.batch else []
    found = api.mappings(api.load_arch(args.arch, platform), api.load_workload(args.mapping, [*workload, *batch]))
    if args.json:
        output.document(found)
    else:
        from simulator.report.mapping_view import view

        output.show(view(args.arch, args.mapping, found))
    return 0
