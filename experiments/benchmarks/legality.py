"""Random streams over all standards and policies: every command issued is checked, and none may break a rule.

    python experiments/benchmarks/legality.py [COMMANDS]     # default 100 million: minutes

Each round takes one standard and one set of policies that it can serve, serves random requests (and near-bank programs
where there are any) with the compiled engine, and hands the log to the bulk checker. Prints commands and violations by
standard; exit code 1 if there is a violation.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Iterator
from itertools import cycle
from math import prod
from typing import Any

import numpy as np

from simulator.config.dram_schema import Dram
from simulator.config.faults import faults
from simulator.config.loader import build, load_document
from simulator.config.paths import list_names
from simulator.dram.checker_bulk import count_violations
from simulator.dram.device import Device, RequestList
from simulator.dram.program import HostProgram, ProgramBuilder

DEFAULT_COMMANDS = 100_000_000
REQUESTS_OF_A_ROUND = 100_000

POLICIES: dict[str, dict[str, Any]] = {
    "plain": {},
    "closed page": {"page_policy": "closed"},
    "timeout page": {"page_policy": "timeout", "page_timeout": 60},
    "FCFS": {"scheduler": "FCFS"},
    "in order": {"scheduler": "IN_ORDER"},
    "row-hit cap, age limit": {"row_hit_cap": 4, "age_limit": 500},
    "short queues": {"read_queue": 4, "write_queue": 4, "contention": "cancel"},
    "staggered refresh": {"refresh_order": "staggered"},
    "refresh postponed and pulled in": {"refresh_postpone": 4, "refresh_pull_in": 4},
    "refresh postponed": {"refresh_postpone": 4},
    "refresh pulled in": {"refresh_postpone": 2, "refresh_pull_in": 2, "page_policy": "closed"},
    "per-bank refresh": {"refresh": "REFpb"},
    "per-bank refresh, postponed": {"refresh": "REFpb", "refresh_postpone": 4, "page_policy": "closed"},
    "same-bank refresh": {"refresh": "REFsb"},
    "bank queues": {"scheduler": "BANK_QUEUES", "row_hit_cap": 4, "forwarding": True},
    "rank queues": {"scheduler": "RANK_QUEUES", "command_queue": 32, "page_policy": "closed"},
}


def pairs() -> Iterator[tuple[str, str, Dram]]:
    """Every shipped standard with every set of policies that it can serve."""
    specs = {name: build(load_document(name, expected_kind="dram"), Dram) for name in list_names("drams")}
    for title, changes in POLICIES.items():
        for name, spec in specs.items():
            changed = spec.model_copy(update={"controller": spec.controller.model_copy(update=changes)})
            near_bank = any(row.mode == "register" or row.internal_bytes for row in spec.commands.values())
            if next(faults(changed), None) is None and not (near_bank and title.endswith("queues") and title[0] != "s"):
                yield name, title, changed


def requests(spec: Dram, random: np.random.Generator, n: int) -> RequestList:
    """Reads and writes: runs of neighbours, jumps, few banks for a while, and pauses."""
    organization = spec.organization
    banks, columns = prod(organization.levels.values()), organization.row_bytes // organization.burst_bytes
    run = np.repeat(random.integers(0, 1 << 40, n), random.integers(1, 9, n))[:n]
    bank = np.where(random.random(n) < 0.5, run % banks, run % min(4, banks))
    column = (run // 7 + np.arange(n)) % columns
    pause = np.where(random.random(n) < 0.002, random.integers(0, 20_000, n), 0)
    return RequestList(random.random(n) < 0.4, bank, run % 61 % organization.rows, column, np.cumsum(pause))


def program(spec: Dram, random: np.random.Generator, runs: int) -> HostProgram:
    """Runs of the standard's near-bank commands."""
    builder = ProgramBuilder(spec, 1)
    names = [
        name
        for name, row in spec.commands.items()
        if row.bus == "column" and name not in ("RD", "WR") and row.auto_precharge_of is None and row.sync is None
        and not any(other.sync == name for other in spec.commands.values())
    ]  # fmt: skip
    banks = prod(spec.organization.levels.values())
    for _ in range(runs if names else 0):
        name = names[random.integers(len(names))]
        builder.add(name, int(random.integers(1, 64)), bank=int(random.integers(banks)), row=int(random.integers(64)))
    return builder.build()


def check(commands: int, requests_of_a_round: int = REQUESTS_OF_A_ROUND) -> tuple[Counter[str], Counter[str]]:
    """Issue at least so many commands; (commands by standard, violations by standard, policy and rule)."""
    random = np.random.default_rng(1)
    issued: Counter[str] = Counter()
    violations: Counter[str] = Counter()
    for name, title, spec in cycle(list(pairs())):
        near_bank = program(spec, random, requests_of_a_round // 400)
        run = Device(spec).run_requests(requests(spec, random, requests_of_a_round), near_bank, log=True)
        assert run.issued is not None
        issued[name] += len(run.issued.tick)
        for rule, count in count_violations(spec, run.issued).items():
            violations[f"{name}, {title}: {rule}"] += count
        if issued.total() >= commands:
            break
    return issued, violations


def main() -> int:
    """Measure and print."""
    commands = int(float(sys.argv[1])) if len(sys.argv) > 1 else DEFAULT_COMMANDS
    started = time.perf_counter()
    issued, violations = check(commands)
    for name, count in sorted(issued.items()):
        print(f"{name:24} {count:>12,} commands")
    print(f"{len(list(pairs()))} pairs of standard and policies, {time.perf_counter() - started:.0f} s")
    for place, count in violations.items():
        print(f"VIOLATION {place}: {count}")
    print(f"commands: {issued.total():,}  violations: {violations.total():,}")
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
