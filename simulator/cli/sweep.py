"""`nearbank sweep`: every design point of a sweep YAML, on this machine or on a cluster."""

from __future__ import annotations

import argparse
import errno
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from simulator.cli import output
from simulator.cli.arguments import Verbs, add_json, positive_int
from simulator.errors import ConfigError, SimulatorError

if TYPE_CHECKING:
    from simulator.explore.folder import Folder
    from simulator.explore.run import MakeExecutor

EXIT_INTERRUPTED = 130
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def add_parser(verbs: Verbs) -> None:
    """Register the verb."""
    parser = verbs.add_parser(
        "sweep",
        help="simulate every point of a design space",
        description=__doc__,
        epilog="SPEC may also be the folder of a sweep: then its points are taken as they were frozen there.",
    )
    parser.add_argument("spec", type=Path, metavar="SPEC", help="the YAML of a sweep")
    parser.add_argument("-o", "--output", type=Path, metavar="DIR", help="folder of the sweep")
    parser.add_argument(
        "-j", "--jobs", type=positive_int, metavar="N", help="worker processes (default: one for each core)"
    )
    parser.add_argument("--resume", action="store_true", help="continue what DIR holds; only what is new is simulated")
    parser.add_argument("--retry-failed", action="store_true", help="continue, and try failed points again as well")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--cluster", type=Path, metavar="CLUSTER", help="run on the cluster that this YAML describes")
    where.add_argument("--shard", metavar="I/N", help="run only the I-th of N parts; --merge makes the table")
    where.add_argument("--merge", action="store_true", help="run nothing: make the table of what there is")
    add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Sweep and show the Pareto front; exit code 3 if points failed, 1 if some are missing."""
    from simulator.explore.folder import Folder

    folder = Folder(_folder(args))
    # A batch system ends a job by SIGTERM; that is a Ctrl-C to us.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return _mode(args)(args, folder)
    except KeyboardInterrupt:
        points = len(folder.outcomes())
        output.warn(f"interrupted; {folder.path} holds the outcomes of {points} points, --resume continues")
        return EXIT_INTERRUPTED
    except OSError as error:
        if error.errno not in FULL:
            raise
        advice = "what is recorded there is safe: make room, then --resume continues"
        raise SimulatorError(f"{folder.path}: {os.strerror(error.errno)}; {advice}") from error


def _folder(args: argparse.Namespace) -> Path:
    given: Path | None = args.output
    if args.spec.is_dir():
        if given is not None and given.resolve() != args.spec.resolve():
            raise ConfigError(
                f"{args.spec} is the folder of a sweep; it cannot be run in another folder", key="--output"
            )
        return Path(args.spec)
    if given is None:
        raise ConfigError("a folder for the sweep is needed: -o DIR")
    return given


def _mode(args: argparse.Namespace) -> Callable[..., int]:
    if args.merge:
        return _merge
    if args.cluster:
        from simulator.cli.sweep_cluster import run_on_cluster

        return run_on_cluster
    if args.shard:
        return _shard
    return _remainder if args.spec.is_dir() else _whole


def _whole(args: argparse.Namespace, folder: Folder) -> int:
    """All of a sweep, here."""
    from simulator.api import read_sweep
    from simulator.cli.sweep_summary import show
    from simulator.cli.sweep_watch import watching
    from simulator.explore.run import run_sweep

    plan = read_sweep(args.spec)
    resume = args.resume or args.retry_failed
    with watching(plan.terms) as watch:
        finished = run_sweep(plan, folder, local(args, folder), watch, resume=resume, retry=args.retry_failed)
    return show(finished, as_json=args.json)


def _remainder(args: argparse.Namespace, folder: Folder) -> int:
    """What is left of a frozen sweep, here."""
    from simulator.cli.sweep_summary import show
    from simulator.cli.sweep_watch import watching
    from simulator.explore.run import finish, run_frozen

    with watching(folder.frozen().terms) as watch:
        run_frozen(folder, local(args, folder), watch, retry=args.retry_failed)
    return show(finish(folder), as_json=args.json)


def _shard(args: argparse.Namespace, folder: Folder) -> int:
    """One part of a sweep."""
    from simulator.api import read_sweep
    from simulator.cli.sweep_watch import watching
    from simulator.explore.run import freeze, run_frozen
    from simulator.explore.shards import shard

    part = shard(args.shard)
    if not args.spec.is_dir():
        with folder.locked(exclusive=False):
            freeze(read_sweep(args.spec), folder)
    with watching(folder.frozen().terms) as watch:
        run_frozen(folder, local(args, folder), watch, shard=part, retry=args.retry_failed)
    return 0


def _merge(args: argparse.Namespace, folder: Folder) -> int:
    """The table of what there is."""
    from simulator.cli.sweep_summary import show
    from simulator.explore.run import finish

    return show(finish(folder), as_json=args.json)


def local(args: argparse.Namespace, folder: Folder) -> MakeExecutor:
    """Worker processes on this machine."""
    from simulator.api import EVALUATE
    from simulator.explore.executors.local import local_executor

    return lambda terms, catalog: local_executor(terms, catalog, EVALUATE, folder.path, args.jobs)
