"""`nearbank replay`: a request trace or a near-bank trace on one memory."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from simulator.cli import output
from simulator.cli.arguments import Verbs, add_engine, add_json
from simulator.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from simulator.config.dram_schema import Dram
    from simulator.dram.engines import EngineName
    from simulator.dram.log import LoggedCommand

    Replayed = tuple[dict[str, object], Sequence[LoggedCommand]]
    """The figures of a replay, and its command log (empty unless asked for)."""

NEAR_BANK = ".aim"
REQUESTS = ".req"


def add_parser(verbs: Verbs) -> None:
    """Register the verb."""
    parser = verbs.add_parser("replay", help="run a memory trace on one DRAM standard", description=__doc__)
    parser.add_argument("spec", metavar="SPEC", help="DRAM standard (`nearbank list drams`), platform, or a path")
    parser.add_argument(
        "trace", metavar="TRACE", type=Path, help="*.req (requests) or *.aim (near-bank), either gzipped (.gz)"
    )
    add_engine(parser)
    add_json(parser)
    parser.add_argument(
        "--log", type=Path, metavar="FILE", help="also write every command of the first channel (see `nearbank check`)"
    )
    parser.add_argument(
        "--timeline", type=Path, metavar="FILE", help="also write the same commands by bank as a Perfetto/Chrome trace"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Replay and show."""
    from simulator.cli.specs import load_dram

    spec = load_dram(args.spec)
    kind = _kind(args.trace)
    wanted = [path for path in (args.log, args.timeline) if path]
    for path in wanted:
        output.prepare_file(path)
    replayed, log = _replay(spec, args.trace, kind, log=bool(wanted), engine=args.engine)
    if args.timeline:
        _draw(spec, log, args.timeline)
    if args.log:
        from simulator.dram.log import write_log

        with output.naming(args.log):
            write_log(spec, log, args.log)
    if args.json:
        output.document(replayed)
    else:
        from simulator.report.replay_view import view

        output.show(view(spec.name, args.trace.name, replayed))
    return 0


def _draw(spec: Dram, log: Sequence[LoggedCommand], path: Path) -> None:
    from simulator.metrics.timeline import command_timeline
    from simulator.units.command_times import issued_between

    events = command_timeline(spec.name, issued_between(spec, log, 0, 0, sys.maxsize))
    with output.naming(path):
        events.write(path)


def _kind(trace: Path) -> str:
    """The ending of a trace's name that says what it holds."""
    suffixes = [suffix for suffix in trace.suffixes if suffix != ".gz"]
    if suffixes and suffixes[-1] in {NEAR_BANK, REQUESTS}:
        return suffixes[-1]
    raise ConfigError(
        f"the name of a trace ends in {NEAR_BANK} or {REQUESTS}, and in .gz after that if gzipped", file=str(trace)
    )


def _replay(spec: Dram, trace: Path, kind: str, *, log: bool, engine: EngineName) -> Replayed:
    if kind == NEAR_BANK:
        from simulator.units.aim_isa import replay_aim

        run = replay_aim(spec, trace, log=log, engine=engine)
    else:
        from simulator.dram.replay import replay_requests

        run = replay_requests(spec, trace, log=log, engine=engine)
    document = {
        "cycles": run.cycles,
        "time_ps": run.time_ps,
        "commands": run.commands,
        "energy_j": run.energy_j,
        "row_hit_rate": run.row_hit_rate,
        "wall_s": run.wall_s,
    }
    return document, run.log
