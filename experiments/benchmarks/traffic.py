"""How long 10,000 requests of a conversation stream take to simulate, and how latency grows with load.

    python experiments/benchmarks/traffic.py ARCH RATE... [--requests N] [--set PATH=VALUE]...

`conversation_traffic` (Llama-3-8B) once for each rate. Each run checks Little's law and that no token is lost.
"""

from __future__ import annotations

import argparse
import resource
import time

from simulator import load_arch, load_workload, simulate


def main() -> None:
    """Print one line for each rate."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("arch")
    parser.add_argument("rates", nargs="+", type=float)
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--set", action="append", default=[], dest="overrides", help="of the workload")
    arguments = parser.parse_args()
    arch = load_arch(arguments.arch)
    for rate in arguments.rates:
        overrides = [*arguments.overrides, f"traffic.rate_per_s={rate}", f"traffic.requests={arguments.requests}"]
        started_s = time.process_time()
        result = simulate(arch, load_workload("conversation_traffic", overrides))
        took_s, traffic = time.process_time() - started_s, result.traffic
        assert traffic is not None
        assert traffic.slo is not None
        assert traffic.accuracy is not None
        assert traffic.tpot_s is not None
        print(
            f"{rate:g}/s: busy {traffic.busy_share:.1%}"
            f"  TTFT p50/p99 {traffic.ttft_s.p50:.3g}/{traffic.ttft_s.p99:.3g} s"
            f"  TPOT {traffic.tpot_s.p50 * 1e3:.3g}/{traffic.tpot_s.p99 * 1e3:.3g} ms"
            f"  e2e {traffic.e2e_s.p50:.3g}/{traffic.e2e_s.p99:.3g} s  goodput {traffic.slo.goodput_per_s:.3g}/s"
            f"  {result.tokens_per_s:.0f} tokens/s  {result.power_w:.0f} W  {result.tokens_per_j:.3g} tokens/J"
            f"  steps {traffic.steps:,}  simulations {traffic.accuracy.simulations}"
            f"  error <= {traffic.accuracy.max_time_error_pct:.2g} %  processor {took_s:.1f} s"
        )
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")


if __name__ == "__main__":
    main()
