"""What more of a resource, or more work, must do to the figures of a platform; at odd shapes as well."""

import itertools
from typing import Any

import pytest
from tiny import MODEL, PLATFORMS, arch, workload

from simulator.api import load_arch, simulate
from simulator.metrics.result import Result
from simulator.workload.model import Model

ROUNDING = 1.01
"""Refreshes fall on other ops when times change: what should not slow a step down may do so by a hundredth."""

WIDE = Model(
    name="wide", n_layers=1, d_model=2048, n_heads=16, n_kv_heads=2, head_dim=128, d_ff=5504, vocab_size=8000,
    max_position=4096,
)  # fmt: skip


def decode(name: str, *overrides: str, **changes: Any) -> Result:
    values: dict[str, Any] = {"model": WIDE, "prompt_tokens": 6, "output_tokens": 2} | changes
    return simulate(load_arch(name, ["host.sampling_ns=0", *overrides]), workload(**values))


def step_s(result: Result) -> float:
    assert result.latency.tpot_s is not None
    return result.latency.tpot_s


@pytest.mark.parametrize("name", PLATFORMS)
def test_more_channels_never_slow_a_step_down(name: str) -> None:
    times = [step_s(decode(name, f"memory.channels={n}")) for n in (1, 2, 7, 8, 15, 16, 17, 32, 33, 64)]
    assert all(more <= fewer * ROUNDING for fewer, more in itertools.pairwise(times))


@pytest.mark.parametrize("name", PLATFORMS)
def test_a_larger_batch_takes_longer_but_not_longer_than_its_sequences_alone(name: str) -> None:
    batches = (1, 2, 3, 7, 8, 33)
    choosing = ("pim.offload=when_faster", "pim.most_vectors=8") if name == "hbm_pim_card" else ()
    times = [step_s(decode(name, *choosing, batch=n)) for n in batches]
    assert all(small <= large * ROUNDING for small, large in itertools.pairwise(times))
    assert all(time <= n * times[0] * ROUNDING for n, time in zip(batches, times, strict=True))


@pytest.mark.parametrize("name", PLATFORMS)
def test_a_longer_context_never_speeds_a_step_up(name: str) -> None:
    times = [step_s(decode(name, prompt_tokens=n)) for n in (1, 15, 16, 17, 127, 128, 129, 511, 1025)]
    assert all(short <= long * ROUNDING for short, long in itertools.pairwise(times))


@pytest.mark.parametrize(
    ("name", "slower"),
    [
        ("aim_1card", "memory.dram.timings.nCCDS"),
        ("aim_1card", "memory.dram.timings.nFAW"),
        ("aim_1card", "memory.dram.timings.nRP"),
        ("hbm2_pim_bank", "memory.dram.timings.nCCDL"),
        ("hbm2_pim_bank", "memory.dram.timings.nRCDRD"),
        ("hbm3_npu", "memory.dram.timings.nCCDS"),
        ("hbm3_npu", "memory.dram.timings.nRFC"),
    ],
)
def test_a_longer_timing_never_speeds_a_step_up(name: str, slower: str) -> None:
    base = arch(name).values["components"]["memory"]["dram"]["timings"][slower.rsplit(".", 1)[1]]
    times = [step_s(decode(name, f"{slower}={base * factor}")) for factor in (1, 2, 4)]
    assert all(short <= long * ROUNDING for short, long in itertools.pairwise(times))
    assert times[0] < times[-1]


@pytest.mark.parametrize("name", PLATFORMS)
@pytest.mark.parametrize(
    "odd",
    [
        {"n_heads": 3, "n_kv_heads": 1, "head_dim": 80},
        {"n_heads": 5, "n_kv_heads": 5, "head_dim": 96},
        {"n_heads": 33, "n_kv_heads": 33, "head_dim": 16},
        {"n_heads": 1, "n_kv_heads": 1, "head_dim": 2, "d_model": 2, "d_ff": 1, "vocab_size": 2},
    ],
)
@pytest.mark.parametrize("batch", [1, 40])
def test_odd_shapes_and_batches_above_the_channels_run(name: str, odd: dict[str, Any], batch: int) -> None:
    shape = {key: getattr(MODEL, key) for key in MODEL.__slots__} | odd
    result = decode(name, model=Model(**shape), batch=batch, output_tokens=3)
    assert result.tokens_per_s is not None
    assert result.tokens_per_s > 0


@pytest.mark.parametrize("capacity_bytes", [262_144, 400_000, 2_000_000, 48_000_000])
@pytest.mark.parametrize("batch", [1, 200])
def test_any_buffer_feeds_the_arrays_and_a_larger_one_no_slower(capacity_bytes: int, batch: int) -> None:
    smallest = step_s(decode("hbm3_npu", "vmem.capacity_bytes=262144", batch=batch))
    assert step_s(decode("hbm3_npu", f"vmem.capacity_bytes={capacity_bytes}", batch=batch)) <= smallest * ROUNDING
