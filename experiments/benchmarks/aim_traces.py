"""Seconds to replay the published AiM traces, beside the published simulator's own (golden_cases.csv, wall_s_head).

    python experiments/benchmarks/aim_traces.py

Reading the trace is part of the time, as it is of theirs. Their seconds were taken on another day, on two shared cores.
"""

from __future__ import annotations

import csv
import time
from pathlib import Path

from simulator.config.dram_schema import Dram
from simulator.config.loader import build, load_document
from simulator.units.aim_isa import replay_aim

DATA = Path(__file__).parents[1] / "validation" / "data" / "aim"


def main() -> None:
    """One line for each trace that took the published simulator at least a tenth of a second."""
    spec = build(load_document("gddr6_aim_ref", expected_kind="dram"), Dram)
    replay_aim(spec, DATA / "traces" / "m_mac1.aim.gz")
    with (DATA / "golden_cases.csv").open(encoding="utf-8") as file:
        cases = [(row["case"], float(row["wall_s_head"])) for row in csv.DictReader(file)]
    for case, theirs_s in sorted(cases, key=lambda pair: pair[1]):
        if theirs_s < 0.1:
            continue
        started = time.perf_counter()
        run = replay_aim(spec, DATA / "traces" / f"{case}.aim.gz")
        ours_s = time.perf_counter() - started
        ratio = theirs_s / ours_s
        print(f"{case:42} {run.cycles:>9,} cycles   {ours_s:8.3f} s   published {theirs_s:7.3f} s   ratio {ratio:6.0f}")


if __name__ == "__main__":
    main()
