"""HBM-PIM as a user meets it: single ops, whole models, wrong input."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

OP = ("op", "hbm_pim_card")


@pytest.mark.parametrize("kind", ["gemm", "add", "mul", "relu"])
def test_an_op_runs_on_the_units_and_says_what_it_did(nearbank: Callable[..., Any], kind: str) -> None:
    shown = nearbank(*OP, kind, "--shape", "512x256", "--set", "memory.channels=4", "--json")
    assert (shown.code, shown.err) == (0, "")
    assert (shown.json["unit"], shown.json["bound_by"] != "") == ("pim", True)
    column = {"gemm": "MAChab", "add": "ADDhab", "mul": "MULhab", "relu": "FILLhab"}[kind]
    assert shown.json["commands"][column] > 0
    assert shown.json["commands"]["WR"] == 2 * 4


@pytest.mark.parametrize("ordering", ["in_order", "fence"])
def test_the_reference_engine_gives_the_same_op(nearbank: Callable[..., Any], ordering: str) -> None:
    job = (*OP, "gemm", "--shape", "200x300", "--batch", 2, "--set", "memory.channels=2")
    settings = ("--set", f"pim.ordering={ordering}", "--set", "pim.fence_ns=20", "--json")
    compiled, reference = (nearbank(*job, *settings, "--engine", engine) for engine in ("compiled", "reference"))
    assert compiled.code == reference.code == 0
    assert compiled.json == reference.json


@pytest.mark.parametrize(("arch", "most"), [("hbm_pim_card", 2.8), ("lpddr5_pim_phone", 3.3)])
def test_a_whole_model_decodes_on_the_units_and_prefills_on_the_host(
    nearbank: Callable[..., Any], arch: str, most: float
) -> None:
    job = ("llama2_7b_512_64", "--set", "workload.prompt_tokens=8", "--set", "workload.output_tokens=3")
    shown = nearbank("run", arch, *job, "--json")
    assert (shown.code, shown.err) == (0, "")
    result = shown.json
    assert result["bound_by"]["ffn_up"] == "near-bank MAC rate"
    assert result["bound_by"]["attn_score"] != "near-bank MAC rate"
    assert result["utilization"]["matrix"] > 0
    pins = nearbank("run", arch, *job, "--set", "placement.policy=matrix_memory", "--json").json
    assert 1.8 < result["tokens_per_s"] / pins["tokens_per_s"] < most
    assert result["tokens_per_j"] > pins["tokens_per_j"]


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("pim.microkernels.gemv=[MACC GRF_B, EXIT]", "no instruction 'MACC'"),
        ("pim.microkernels.gemv=[EXIT GRF_A]", "has 1 operands, not 0"),
        ("pim.microkernels.gemv=[NOP, EXIT]", "gemm on pim: a column command finds the microkernel at its end"),
        ("pim.fence_ns=1e300", "pim.fence_ns"),
        ("pim.ordering=fenced", "'fenced'"),
        ("pim.registers=0", "pim.registers"),
        ("memory.channels=0", "memory.channels"),
    ],
)
def test_wrong_input_is_one_line(nearbank: Callable[..., Any], setting: str, message: str) -> None:
    shown = nearbank(*OP, "gemm", "--shape", "64x64", "--set", setting)
    assert (shown.code, shown.out) == (2, "")
    assert message in shown.err
    assert shown.err.count("\n") == 1
