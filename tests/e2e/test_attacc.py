"""AttAcc as a user meets it: whole models with attention near the memory, where it may run, wrong input."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

JOB = ("llama2_7b_512_64", "--batch", 8, "--set", "prompt_tokens=256", "--set", "output_tokens=2")


def test_attention_is_near_the_memory_and_the_prompt_is_on_the_gpus(nearbank: Callable[..., Any]) -> None:
    baseline = nearbank("run", "dgx_a100_hbm3", *JOB, "--json").json
    times = []
    for level, mac in (("bank", "MACAB"), ("bankgroup", "MACSB"), ("buffer", "MACPB")):
        shown = nearbank("run", f"attacc_{level}", *JOB, "--json")
        assert shown.code == 0
        result = shown.json
        assert result["commands"][mac] > 0
        assert result["utilization"]["attacc"] > 0
        assert "attn_score" in result["time_by_op_kind_s"]["prefill"]
        assert "attn_context" not in result["time_by_op_kind_s"]["decode"]
        assert result["data_movement_bytes"]["bank_io->mac"] > 0
        times.append(result["time_by_op_kind_s"]["decode"]["attn_score"])
    assert times == sorted(times)
    assert times[0] < sum(baseline["time_by_op_kind_s"]["decode"][kind] for kind in ("attn_score", "attn_context"))


def test_attention_on_the_gpus_is_the_baseline(nearbank: Callable[..., Any]) -> None:
    job = ("llama2_7b_512_64", "--set", "prompt_tokens=8", "--set", "output_tokens=2", "--json")
    moved = nearbank("run", "attacc_bank", *job, "--set", "placement.options.attention=xpu").json
    assert moved["latency"] == nearbank("run", "dgx_a100_hbm3", *job).json["latency"]


def test_a_part_of_an_attention_alone_is_refused(nearbank: Callable[..., Any]) -> None:
    shown = nearbank("op", "attacc_bank", "attn_context", "--shape", "128x512")
    assert (shown.code, shown.err) == (
        2,
        "attacc: it runs scores, softmax and context together, not attn_context alone\n",
    )


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (("attacc.level=chip",), "components.attacc.level: 'chip'"),
        (("placement.options.attention=gpu",), "placement.options.attention: 'gpu' is not a side"),
        (("placement.options.softmax=gpu",), "attacc: it runs scores, softmax and context together"),
        (("attacc_memory.dram.use=dram/hbm3_5.2g_16gb",), "has no GEMV units"),
        (("workload.batch=60000",), "attacc_memory"),
    ],
)
def test_wrong_input_is_one_line(nearbank: Callable[..., Any], settings: tuple[str, ...], message: str) -> None:
    sets = [part for setting in settings for part in ("--set", setting)]
    shown = nearbank("run", "attacc_bank", "llama2_7b_512_64", *sets)
    assert shown.code == 2
    assert message in shown.err
    assert "Traceback" not in shown.err
