"""How long 1,024 decode steps of Llama-2-70B on 32 CXL devices take to simulate, and in how much memory.

    python experiments/benchmarks/many_devices.py [--steps N] [--batch N]

`cent_32dev`, 80 sequences in flight, context growing from 512: all 80 stages busy. `exact`: no declared approximation.
Blocks start with a refresh there, so that one simulated block stands for all exactly. The prompt is timed apart.
"""

from __future__ import annotations

import argparse
import resource
import time

from simulator import load_arch, load_workload, simulate


def main() -> None:
    """Print wall seconds of the prompt and of the decode steps, the simulated rate and the peak memory."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=1024)
    parser.add_argument("--batch", type=int, default=80)
    arguments = parser.parse_args()
    arch = load_arch("cent_32dev")
    workload = load_workload("llama2_70b_512_64", [f"output_tokens={arguments.steps + 1}", f"batch={arguments.batch}"])
    walls: list[float] = []
    started, started_cpu = time.perf_counter(), time.process_time()
    result = simulate(arch, workload, exact=True, progress=lambda _done, _total: walls.append(time.perf_counter()))
    steps_s = walls[-1] - walls[0]
    print(
        f"prompt {walls[0] - started:.1f} s   {arguments.steps} decode steps {steps_s:.1f} s "
        f"({steps_s / arguments.steps * 1e3:.1f} ms a step)   processor {time.process_time() - started_cpu:.1f} s"
    )
    commands = result.provenance.commands_simulated
    print(f"simulated {result.tokens_per_s:.1f} tokens/s   {commands:,} commands of simulated devices")
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")


if __name__ == "__main__":
    main()
