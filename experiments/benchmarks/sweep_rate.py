"""Points an hour of a sweep, how busy it keeps the cores, and what memory it takes over time.

    python experiments/benchmarks/sweep_rate.py SPEC DIR [-j N] [--seconds S]

Starts `nearbank sweep` and samples /proc: processor time and resident memory of the sweep and its workers. Stops it
after S seconds, if given; what is there by then is what is counted, and `nearbank sweep ... --resume` goes on.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from simulator.explore.folder import Folder

TICKS = os.sysconf("SC_CLK_TCK")
PAGE_MIB = os.sysconf("SC_PAGE_SIZE") / 2**20


@dataclass
class Samples:
    """Seconds since the start, MiB of all processes, processor seconds by process id, and records in the journal."""

    at_s: list[float] = field(default_factory=list)
    mib: list[float] = field(default_factory=list)
    cpu_s: dict[int, float] = field(default_factory=dict)
    points: list[int] = field(default_factory=list)


def tree(pid: int) -> list[int]:
    """``pid`` and its children."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []
    return [pid, *map(int, children)]


def sample(pid: int, journal: Path, start_s: float, samples: Samples) -> None:
    """Look once."""
    total_mib = 0.0
    for process in tree(pid):
        try:
            fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        samples.cpu_s[process] = (int(fields[11]) + int(fields[12])) / TICKS
        total_mib += int(fields[21]) * PAGE_MIB
    samples.at_s.append(time.monotonic() - start_s)
    samples.mib.append(total_mib)
    samples.points.append(journal.read_bytes().count(b'"status":') if journal.exists() else 0)


def report(samples: Samples, jobs: int, at_points_s: float) -> None:
    """Print the figures; ``at_points_s``: time that workers spent in points."""
    took_s, points = samples.at_s[-1], samples.points[-1] - samples.points[0]
    cpu_s = sum(samples.cpu_s.values())
    print(f"{points} points in {took_s:.0f} s: {points / took_s * 3600:,.0f} an hour on {jobs} workers")
    print(f"processor time: {cpu_s / took_s / jobs:.1%} of {jobs} cores, {cpu_s / max(points, 1):.3f} s a point;")
    print(f"  with {jobs} cores to itself at 100 %: {points / cpu_s * jobs * 3600:,.0f} points an hour")
    print(f"workers were at points {at_points_s / took_s / jobs:.1%} of the time")
    thirds = [samples.mib[len(samples.mib) * i // 10 : len(samples.mib) * (i + 1) // 10] for i in (3, 9)]
    early, late = (max(part, default=0) for part in thirds)
    print(f"memory of all processes: peak {max(samples.mib):.0f} MiB, {early:.0f} a third in, {late:.0f} at the end")


def main() -> None:
    """Run and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("spec")
    parser.add_argument("folder", type=Path)
    parser.add_argument("-j", "--jobs", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=float("inf"))
    args = parser.parse_args()
    command = [sys.executable, "-m", "simulator.cli.main", "sweep", args.spec, "-o", str(args.folder), "--resume"]
    samples, start_s = Samples(), time.monotonic()
    process = subprocess.Popen([*command, "-j", str(args.jobs)], stdout=subprocess.DEVNULL)  # noqa: S603 - ours
    stopped = False
    before_s = in_points_s(args.folder)
    while process.poll() is None:
        if not stopped:
            sample(process.pid, args.folder / "journal" / "local.jsonl", start_s, samples)
        if not stopped and samples.at_s[-1] > args.seconds:
            process.send_signal(signal.SIGTERM)
            stopped = True
        time.sleep(1.0)
    report(samples, args.jobs, in_points_s(args.folder) - before_s)


def in_points_s(folder: Path) -> float:
    """Seconds that all points so far have taken."""
    return sum(outcome.wall_s for outcome in Folder(folder).outcomes().values())


if __name__ == "__main__":
    main()
