"""`nearbank run`: one workload on one platform."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from simulator.cli import output
from simulator.cli.arguments import Verbs, add_engine, add_exact, add_json, add_overrides, positive_int, window_us
from simulator.cli.result_folder import COMMANDS_FILE, RESULT_FILE, write

if TYPE_CHECKING:
    from rich.console import Group

    from simulator.metrics.result import Result


def add_parser(verbs: Verbs) -> None:
    """Register the verb."""
    parser = verbs.add_parser("run", help="simulate a workload on a platform", description=__doc__)
    parser.add_argument("arch", metavar="ARCH", help="platform: a name from `nearbank list archs`, or a path")
    parser.add_argument(
        "workload", metavar="WORKLOAD", help="scenario: a name from `nearbank list scenarios`, or a path"
    )
    add_overrides(parser)
    parser.add_argument("--batch", type=positive_int, metavar="N", help="sequences decoded together")
    add_engine(parser)
    add_exact(parser)
    add_json(parser)
    parser.add_argument(
        "-o", "--output", type=Path, metavar="DIR", help=f"also write DIR/{RESULT_FILE} and DIR/{COMMANDS_FILE}"
    )
    parser.add_argument(
        "--timeline", type=Path, metavar="FILE", help="also write a Perfetto/Chrome trace (FILE.gz: gzipped)"
    )
    parser.add_argument(
        "--timeline-window",
        type=window_us,
        metavar="START:END",
        help="in us: the timeline also has each DRAM command of every memory's first channel in that time",
    )
    parser.add_argument(
        "--temperatures", type=Path, metavar="FILE", help="also write each die's temperature after every token (CSV)"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Simulate and show."""
    from simulator.cli.simulation import simulate_named, temperature_trace
    from simulator.errors import ConfigError
    from simulator.metrics.command_window import CommandWindow
    from simulator.metrics.timeline import Timeline

    if args.timeline_window and not args.timeline:
        raise ConfigError("--timeline-window is for a timeline: give --timeline FILE")
    if args.output:
        output.prepare(args.output)
    for path in (args.timeline, args.temperatures):
        if path:
            output.prepare_file(path)
    timeline = Timeline(args.timeline_window) if args.timeline else None
    trace = temperature_trace(args.arch, args.overrides) if args.temperatures else None
    hooks = [hook for hook in (timeline, trace) if hook]
    window = CommandWindow() if args.output else None
    options = {"batch": args.batch, "exact": args.exact, "engine": args.engine}
    result = simulate_named(args.arch, args.workload, args.overrides, **options, hooks=hooks, window=window)
    if window:
        write(args.output, result, window)
    if timeline:
        with output.naming(args.timeline):
            timeline.write(args.timeline)
    if trace:
        with output.naming(args.temperatures):
            output.write_atomically(args.temperatures, trace.to_csv())
    if args.json:
        output.raw(result.to_json())
    else:
        output.show(_view(result))
    return 0


def _view(result: Result) -> Group:
    """The picture that fits what ran."""
    from simulator.report import run_view, traffic_view

    return run_view.view(result) if result.traffic is None else traffic_view.view(result, result.traffic)
