"""NeuPIMs as a user meets it: attention beside the NPU, sub-batches that lose or pay off, wrong input."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

LARGE = (
    "llama2_7b_512_64", "--set", "workload.model=llama32_3b", "--set", "workload.prompt_tokens=380",
    "--set", "workload.output_tokens=2",
)  # fmt: skip


def rate(nearbank: Callable[..., Any], arch: str, batch: int, parts: int) -> float:
    setting = f"placement.options.sub_batches={parts}"
    shown = nearbank("run", arch, *LARGE, "--batch", batch, "--set", setting, "--json")
    assert (shown.code, shown.err) == (0, "")
    return float(shown.json["tokens_per_s"])


def test_sub_batches_lose_at_a_small_batch_and_pay_off_at_a_large_one(nearbank: Callable[..., Any]) -> None:
    small, large = ([rate(nearbank, "neupims", batch, parts) for parts in (1, 2)] for batch in (32, 512))
    assert small[1] < 0.8 * small[0], "the weights are streamed twice"
    assert large[1] > 1.2 * large[0], "attention hides behind products"
    naive, both_rows = rate(nearbank, "neupims_single", 512, 1), large[1]
    assert both_rows > 1.2 * naive
    assert rate(nearbank, "neupims_single", 512, 2) < 0.95 * both_rows, "one row buffer lets nothing overlap in memory"


@pytest.mark.parametrize(
    ("stage", "cycles"), [(("3072x4096",), 31466), (("4096x1024", "4096x4096", "4096x4096"), 87791)]
)
def test_the_cycles_of_a_stage_are_of_the_order_of_the_public_simulators(
    nearbank: Callable[..., Any], stage: tuple[str, ...], cycles: int
) -> None:
    jobs = [nearbank("op", "neupims", "gemm", "--shape", shape, "--batch", 32, "--json").json for shape in stage]
    assert sum(job["cycles"] for job in jobs) == pytest.approx(cycles, rel=0.25), "GPT3-7B, one of four devices"


@pytest.mark.parametrize("arch", ["neupims", "neupims_single"])
@pytest.mark.parametrize("kind", ["attn_score", "attn_context"])
def test_the_reference_engine_gives_the_same_op(nearbank: Callable[..., Any], arch: str, kind: str) -> None:
    job = ("op", arch, kind, "--shape", "70x128", "--batch", 3, "--set", "memory.channels=2", "--json")
    compiled, reference = (nearbank(*job, "--engine", engine) for engine in ("compiled", "reference"))
    assert compiled.code == reference.code == 0
    assert compiled.json == reference.json
    assert compiled.json["commands"]["G_ACT"] >= 8 * 3


def test_an_exact_run_tells_the_commands_and_what_held_attention(nearbank: Callable[..., Any]) -> None:
    job = (
        "run", "neupims", "llama2_7b_512_64", "--set", "workload.model=llama32_3b", "--batch", 2, "--exact",
        "--set", "workload.prompt_tokens=3", "--set", "workload.output_tokens=2", "--json",
    )  # fmt: skip
    shown = nearbank(*job)
    assert shown.code == 0
    assert shown.json["commands"]["GWRITE"] > 0
    assert shown.json["bound_by"]["attn_score"] == "DRAM row activation"


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("placement.options.sub_batches=0", "placement.options.sub_batches: '0' is not a whole number 1..8"),
        ("placement.options.sub_batches=two", "placement.options.sub_batches: 'two'"),
        ("pim.requests=min_lode", "there is no assignment of requests to channels 'min_lode'"),
        ("memory.dram.organization.row_buffers=3", "memory.dram.organization.row_buffers"),
        ("memory.dram.controller.near_bank=both", "'both'"),
        ("memory.dram.controller.scheduler=RANK_QUEUES", "serves no near-bank commands beside others"),
    ],
)
def test_wrong_input_is_one_line(nearbank: Callable[..., Any], setting: str, message: str) -> None:
    shown = nearbank("run", "neupims", "llama2_7b_512_64", "--set", setting)
    assert (shown.code, shown.out) == (2, "")
    assert message in shown.err
    assert shown.err.count("\n") == 1
