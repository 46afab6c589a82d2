"""`nearbank replay`: a request trace or a near-bank trace on one memory."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING

from simulator.cli import output
from simulator.cli.arguments import Verbs, add_json
from simulator.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from simulator.config.dram_schema import Dram
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
    parser.add_argument(
        "--engine",
        choices=("compiled", "reference"),
        default="compiled",
        help="reference: one SimPy event per command, slow; *.req only, without energy and row hits",
    )
    add_json(parser)
    parser.add_argument(
        "--log", type=Path, metavar="FILE", help="also write every command of the first channel (see `nearbank check`)"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Replay and show."""
    from simulator.cli.specs import load_dram

    spec = load_dram(args.spec)
    kind = _kind(args.trace)
    if args.engine == "reference":
        replayed, log = _replay_reference(spec, args.trace, kind)
    else:
        replayed, log = _replay(spec, args.trace, kind, log=args.log is not None)
    if args.log:
        from simulator.dram.log import write_log

        write_log(spec, log, args.log)
    if args.json:
        output.document(replayed)
    else:
        from simulator.report.replay_view import view

        output.show(view(spec.name, args.trace.name, replayed))
    return 0


def _kind(trace: Path) -> str:
    """The ending of a trace's name that says what it holds."""
    suffixes = [suffix for suffix in trace.suffixes if suffix != ".gz"]
    if suffixes and suffixes[-1] in {NEAR_BANK, REQUESTS}:
        return suffixes[-1]
    raise ConfigError(
        f"the name of a trace ends in {NEAR_BANK} or {REQUESTS}, and in .gz after that if gzipped", file=str(trace)
    )


def _replay(spec: Dram, trace: Path, kind: str, *, log: bool) -> Replayed:
    if kind == NEAR_BANK:
        from simulator.units.aim_isa import replay_aim

        run = replay_aim(spec, trace, log=log)
    else:
        from simulator.dram.replay import replay_requests

        run = replay_requests(spec, trace, log=log)
    document = {
        "cycles": run.cycles,
        "time_ps": run.time_ps,
        "commands": run.commands,
        "energy_j": run.energy_j,
        "row_hit_rate": run.row_hit_rate,
        "wall_s": run.wall_s,
    }
    return document, run.log


def _replay_reference(spec: Dram, trace: Path, kind: str) -> Replayed:
    if kind != REQUESTS:
        raise ConfigError(
            f"the reference engine takes *{REQUESTS}: it has no host for near-bank traces", file=str(trace)
        )
    from simulator.dram.reference import run_reference
    from simulator.dram.reference_queues import MemoryRequest
    from simulator.dram.replay import read_requests

    started_s = time.perf_counter()
    requests = read_requests(spec, trace)
    arrivals = requests.arrival.tolist() or [0] * len(requests.writes)
    columns = (requests.writes, requests.bank, requests.row, requests.column)
    rows = zip(*(column.tolist() for column in columns), arrivals, strict=True)
    run = run_reference(spec, [MemoryRequest("W" if writes else "R", *place) for writes, *place in rows])
    document = {
        "cycles": -(-run.end_tick // spec.ticks_per_clock),
        "time_ps": -(-run.end_tick * spec.tCK_ps // spec.ticks_per_clock),
        "commands": run.counts,
        "energy_j": None,
        "row_hit_rate": None,
        "wall_s": time.perf_counter() - started_s,
    }
    return document, run.log
