"""Weights and cache in host memory, on a drive and in CXL memory: closed forms of times, every byte on the links."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from tiny import MODEL, arch, workload

from simulator.api import load_arch, simulate
from simulator.config.registry import optimization_blocks
from simulator.errors import CapacityError, ConfigError
from simulator.metrics.result import Result

DEEP = replace(MODEL, n_layers=16, d_model=1024, n_heads=8, n_kv_heads=8, head_dim=128, d_ff=2816)
BLOCK_BYTES = 2 * (4 * 1024 * 1024 + 3 * 1024 * 2816)
HEAD_BYTES_PER_S = {
    ("rtx4090_xeon", "copy"): 31.5e9,
    ("rtx4090_xeon", "drive_copy"): 7.45e9,
    ("h100_cxl", "copy"): 59.3e9,
    ("h100_cxl", "drive_copy"): 7.45e9,
}
"""(platform, copy engine) -> the slowest of far memory and links: PCIe 4.0 x16, the drive, CXL 2.0 x16."""
LATENCY_S = {"copy": 2 * 80e-9, "drive_copy": 50e-6 + 80e-9}


@cache
def run(platform: str, engine: str, share: float, prefetch: int, what: str = "weights") -> Result:
    block = {"engine": engine, "prefetch": prefetch, what: share}
    methods = {"offload": optimization_blocks.get("offload").model_validate(block)} if share else {}
    return simulate(
        arch(platform), workload(model=DEEP, batch=4, prompt_tokens=1500, output_tokens=2, optimizations=methods)
    )


def tpot_s(*what: Any) -> float:
    found = run(*what).latency.tpot_s
    assert found is not None
    return found


@pytest.mark.parametrize("where", HEAD_BYTES_PER_S, ids="-".join)
def test_fetches_that_wait_for_the_block_before_add_their_time(where: tuple[str, str]) -> None:
    """No block but the first is fetched before the one before it has ended: a step is as long as both together.

    At the most: the ops of a block before its first product, and reads from the memory that fetches are written to, go
    on meanwhile.
    """
    plain_s, fetch_s = tpot_s(where[0], "copy", 0, 0), 0.5 * 16 * BLOCK_BYTES / HEAD_BYTES_PER_S[where]
    assert plain_s + 0.9 * fetch_s < tpot_s(*where, 0.5, 0) < plain_s + fetch_s + 16 * 1.01 * LATENCY_S[where[1]]


@pytest.mark.parametrize("where", HEAD_BYTES_PER_S, ids="-".join)
@pytest.mark.parametrize("share", [0.02, 0.5])
def test_a_prefetch_takes_the_longer_of_both_and_what_cannot_overlap(where: tuple[str, str], share: float) -> None:
    plain_s, fetch_s = tpot_s(where[0], "copy", 0, 0), share * 16 * BLOCK_BYTES / HEAD_BYTES_PER_S[where]
    found_s = tpot_s(*where, share, 1)
    assert found_s >= max(plain_s, fetch_s)
    # The first fetch of a step, the last block and the model's ends have nothing beside them.
    alone_s = fetch_s / 16 + plain_s / 16 + 17 * LATENCY_S[where[1]]
    ends_s = plain_s / 16
    assert found_s <= 1.02 * max(plain_s, fetch_s) + alone_s + ends_s


@pytest.mark.parametrize("prefetch", [0, 1, 3])
def test_every_byte_of_a_share_crosses_each_link_once_a_step(prefetch: int) -> None:
    moved = run("h100_cxl", "copy", 0.5, prefetch).data_movement_bytes["link"]
    plain = run("h100_cxl", "copy", 0, 0).data_movement_bytes.get("link", 0)
    # Two links, and two steps: the prompt and a token.
    assert moved - plain == 2 * 2 * 16 * BLOCK_BYTES // 2


def test_new_tokens_of_an_offloaded_cache_go_back() -> None:
    found, plain = (run("h100_cxl", "copy", share, 1, "cache") for share in (1.0, 0))
    token = 2 * 8 * 128 * 2 * 4
    # The prompt stores 1500 tokens of each sequence and fetches them; the step fetches 1501 and stores one.
    whole = 16 * token * (1500 + 1500 + 1501 + 1)
    assert found.data_movement_bytes["link"] - plain.data_movement_bytes.get("link", 0) == 2 * whole


def test_deeper_prefetch_never_takes_longer() -> None:
    times = [tpot_s("h100_cxl", "copy", 0.05, prefetch) for prefetch in (0, 1, 2, 4)]
    assert times == sorted(times, reverse=True)


def test_a_model_too_large_for_the_accelerator_runs_from_the_expander() -> None:
    wide = replace(DEEP, n_layers=80, d_model=8192, n_heads=64, head_dim=128, d_ff=28672)
    job = workload(model=wide, output_tokens=1)
    with pytest.raises(CapacityError, match="memory"):
        simulate(arch("h100_cxl"), job)
    block = optimization_blocks.get("offload").model_validate({"engine": "copy", "weights": 0.7, "prefetch": 1})
    assert simulate(arch("h100_cxl"), replace(job, optimizations={"offload": block})).latency.ttft_s > 1


@pytest.mark.parametrize(
    ("over", "far_end", "message"),
    [
        ("[pcie, cxl]", "expander", "components.copy.far_end: 'expander' is no end of pcie (ends: gpu, host)"),
        ("[cxl, pcie, cxl]", "expander", "components.copy.over: 'gpu' is no end of cxl (ends: host, expander)"),
        ("[]", "expander", "components.copy.over: "),
    ],
)
def test_links_that_do_not_join_are_refused(over: str, far_end: str, message: str) -> None:
    overrides = [f"components.copy.over={over}", f"components.copy.far_end={far_end}"]
    with pytest.raises(ConfigError, match=re.escape(message)):
        simulate(load_arch("h100_cxl", overrides), workload())
