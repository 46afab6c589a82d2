"""How long one Llama-2-7B decode step takes to simulate on `aim_1card`, and how much memory.

    python experiments/benchmarks/decode_step.py [ARCH] [--steps N]

Each step has a longer context than the one before, so no step is a copy of another. `exact`: every near-bank program is
run through the compiled engine at its own refresh phase; `default`: with the declared approximations. The first step,
which compiles mappings, is given apart. DRAM commands are those of all channels.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import time
from collections.abc import Mapping

from simulator import load_arch, load_workload
from simulator.hooks import Hooks, Instrument
from simulator.system.builder import build_system
from simulator.system.capacity import check_capacity
from simulator.system.conservation import Conservation
from simulator.system.run import Runner
from simulator.workload.graph import DecodeGraphs


class Commands(Instrument):
    """Counts DRAM commands."""

    def __init__(self) -> None:
        self.total = 0

    def commands(self, component: str, counts: Mapping[str, int]) -> None:
        """Add the commands of one op."""
        del component
        self.total += sum(counts.values())


def measure(arch_name: str, steps: int, *, exact: bool) -> str:
    """Run `steps` decode steps and report."""
    arch, workload = load_arch(arch_name), load_workload("llama2_7b_512_64")
    commands, conservation = Commands(), Conservation()
    system = build_system(arch.spec, exact=exact, hooks=Hooks([commands, conservation]))
    check_capacity(system, workload)
    runner = Runner(system, conservation)
    graphs = DecodeGraphs(workload.model, batch=1, precision=workload.precision)
    walls, counts, times = [], [], []
    for i in range(steps):
        started, before, now_ps = time.perf_counter(), commands.total, system.env.now_ps
        runner.step(graphs.at(512 + i))
        walls.append(time.perf_counter() - started)
        counts.append(commands.total - before)
        times.append(system.env.now_ps - now_ps)
    warm_s = statistics.median(walls[1:])
    return (
        f"{'exact' if exact else 'default':8} first {walls[0] * 1e3:8.1f} ms   warm {warm_s * 1e3:7.1f} ms"
        f"   {counts[-1]:>12,} commands   {counts[-1] / warm_s / 1e6:8.1f} M commands/s"
        f"   simulated {statistics.median(times) / 1e9:.4f} ms"
    )


def main() -> None:
    """Print one line for each mode, then the peak memory."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("arch", nargs="?", default="aim_1card")
    parser.add_argument("--steps", type=int, default=6)
    arguments = parser.parse_args()
    for exact in (True, False):
        print(arguments.arch, measure(arguments.arch, arguments.steps, exact=exact))
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")


if __name__ == "__main__":
    main()
