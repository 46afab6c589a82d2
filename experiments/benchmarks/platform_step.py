"""How long a decode step of Llama-2-7B on a GPU takes to simulate, with the mapper cold and warm.

    python experiments/benchmarks/platform_step.py [ARCH] [--batch N] [--devices N]

`cold` is the first design point of a fresh process after the imports: YAML, compiled DRAM kernels from their cache on
disk, mapper, streams. `mapper cold` is the same point with the compiled kernels loaded and the mapper's cache empty;
`warm` a further point in the same process. A point is one prompt token and one decode step.
"""

from __future__ import annotations

import argparse
import statistics
import time

from simulator import load_arch, load_workload, simulate
from simulator.units.processors import gpu

REPEATS = 5


def point(arch_name: str, batch: int, devices: int, context: int) -> float:
    """Seconds for one design point."""
    started = time.perf_counter()
    arch = load_arch(arch_name, [f"devices.count={devices}", f"parallelism.tensor={devices}"])
    workload = load_workload("decode_512", [f"batch={batch}", f"prompt_tokens={context}", "output_tokens=2"])
    simulate(arch, workload)
    return time.perf_counter() - started


def main() -> None:
    """Print the seconds and their ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("arch", nargs="?", default="h100_sxm")
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--devices", type=int, default=1)
    args = parser.parse_args()
    what = (args.arch, args.batch, args.devices)
    cold = point(*what, context=512)
    gpu.forget_mappings()
    mapper_cold = point(*what, context=513)
    warm = statistics.median(point(*what, context=514 + i) for i in range(REPEATS))
    print(
        f"{args.arch} batch {args.batch} on {args.devices}: cold {cold:.3f} s, mapper cold {mapper_cold:.3f} s, "
        f"warm {warm:.3f} s; cold / warm {cold / warm:.1f}"
    )


if __name__ == "__main__":
    main()
