"""Requests per second on plain DRAM streams, beside the times that other simulators took for the same streams.

    python experiments/benchmarks/dram_streams.py [--data FOLDER] [--repeats N]

Every stream of the suite `dram` that the engine runs: 20,000 requests each (2,000 for row conflicts), the list made
beforehand, no log; best of N in seconds of processor time. Then long sequential streams, whose steady state the engine
remembers. The others' seconds are those of `data/dram_peers_wall_s.csv`, taken on another machine: read ratios as such.
"""

from __future__ import annotations

import argparse
import csv
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from simulator.cli.suites.dram import devices_of
from simulator.cli.suites.dram_golden import read_golden
from simulator.cli.suites.dram_spec import build_spec, unsupported
from simulator.cli.suites.dram_streams import KNOWN, requests
from simulator.config.dram_schema import Dram
from simulator.config.loader import build, load_document
from simulator.dram.device import Device, Stream

HERE = Path(__file__).parent
PEERS = HERE / "data" / "dram_peers_wall_s.csv"
DATA = HERE.parent / "validation" / "data" / "dram"
LONG_STREAMS = ("hbm3_6.4g", "ddr5_4800_16gb_x8", "hbm2_2.0g")
LONG_BURSTS = 10_000_000

Key = tuple[str, str, str, str]


def peers_wall_s() -> dict[Key, float]:
    """(simulator, configuration, stream, refresh) -> seconds."""
    with PEERS.open(encoding="utf-8") as file:
        rows = csv.DictReader(line for line in file if not line.startswith("#"))
        return {(r["simulator"], r["config"], r["stream"], r["refresh"]): float(r["wall_s"]) for r in rows}


def best_s(work: Callable[[], object], repeats: int) -> float:
    """The shortest of some runs, in seconds of processor time."""
    times = []
    for _ in range(repeats):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)


def lists(folder: Path, repeats: int) -> None:
    """The suite's streams."""
    peers = peers_wall_s()
    ratios: dict[str, list[float]] = {}
    print(f"{'configuration':24} {'stream':20} {'refresh':12} {'ns/request':>10} {'peer':>8} {'ratio':>6}")
    for config in read_golden(folder):
        if unsupported(config):
            continue
        spec = build_spec(config)
        device = devices_of(spec)
        for golden in config.runs():
            if golden.stream not in KNOWN:
                continue
            stream = requests(config, spec, golden.stream, golden.requests)
            engine = device(golden.refresh)
            engine.run_requests(stream)
            ours = best_s(lambda engine=engine, stream=stream: engine.run_requests(stream), repeats)  # type: ignore[misc]
            theirs = peers.get((config.simulator, config.name, golden.stream, golden.refresh))
            ratio = theirs / ours if theirs else None
            if ratio:
                ratios.setdefault(golden.stream, []).append(ratio)
            shown = f"{theirs / golden.requests * 1e9:8.0f} {ratio:6.1f}" if theirs and ratio else ""
            print(
                f"{config.title:24} {golden.stream:20} {golden.refresh:12} {ours / golden.requests * 1e9:10.0f} {shown}"
            )
    for stream, found in ratios.items():
        print(f"{stream}: x {min(found):.1f} at least, x {median(found):.1f} in the median")


def standard(name: str) -> Dram:
    """A shipped standard."""
    return build(load_document(name, expected_kind="dram"), Dram)


def long_streams(repeats: int) -> None:
    """Sequential reads, of which the engine simulates each stretch between refreshes once."""
    for name in LONG_STREAMS:
        device = Device(standard(name))
        segment = [Stream("R", 0, LONG_BURSTS, 1)]
        device.run_streams(segment)
        seconds = best_s(lambda device=device, segment=segment: device.run_streams(segment), repeats)  # type: ignore[misc]
        print(f"{name}: {LONG_BURSTS:,} sequential reads, {seconds / LONG_BURSTS * 1e9:.2f} ns each")


def main() -> None:
    """Run both."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--repeats", type=int, default=10)
    args = parser.parse_args()
    lists(args.data, args.repeats)
    long_streams(args.repeats)


if __name__ == "__main__":
    main()
