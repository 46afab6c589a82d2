"""General-purpose DPUs through the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from simulator.metrics.result import Result

SHORT = ("llama2_7b_512_64", "--set", "workload.prompt_tokens=4", "--set", "workload.output_tokens=3")


def test_integers_run_many_times_faster_than_software_floats(nearbank: Callable[..., Any]) -> None:
    integers = ("--set", "workload.precision.weights=int8", "--set", "workload.precision.kv_cache=int8")
    floats, ints = (
        Result.from_json(nearbank("run", "upmem_server", *SHORT, *extra, "--json").out) for extra in ((), integers)
    )
    gain = (ints.tokens_per_s or 0) / (floats.tokens_per_s or 1)
    # 254 instructions against 5, less what the host takes in between.
    assert 10 < gain < 254 / 5
    assert floats.bound_by["ffn_down"] == ints.bound_by["ffn_down"] == "compute"


def test_more_tasklets_than_the_pipeline_takes_gain_nothing(nearbank: Callable[..., Any]) -> None:
    job = ("op", "upmem_server", "gemm", "--shape", "4096x4096", "--json")
    times = {
        n: json.loads(nearbank(*job, "--set", f"dpu.tasklets={n}", "--set", "dpu.dma_block_bytes=512").out)["time_ps"]
        for n in (4, 8, 11, 22)
    }
    assert times[4] > times[8] > times[11] == times[22]


def test_bad_dpus_are_one_line(nearbank: Callable[..., Any]) -> None:
    for override, said in (
        ("dpu.tasklets=25", "components.dpu.tasklets: 25 is out of range (allowed: 1..24)"),
        ("dpu.memory=ranks", "components.dpu.memory: 'ranks' is a rank_bus"),
        ("ranks.dpu=host", "components.ranks.dpu: 'host' is not an end of ranks"),
    ):
        shown = nearbank("run", "upmem_server", *SHORT, "--set", override)
        assert (shown.code, shown.out, shown.err.count("\n")) == (2, "", 1)
        assert said in shown.err
