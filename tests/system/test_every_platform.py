"""What has to hold on every shipped platform, whatever it is made of: blocks of Llama-2-7B at batch 1, 8 and 64."""

import itertools
from dataclasses import replace
from functools import cache
from math import ceil, log2
from pathlib import Path

import pytest
from datasheets import PRINTED

from simulator.api import Arch, load_arch, run_op, simulate
from simulator.metrics.result import Result
from simulator.system.builder import System, build_system
from simulator.units import limits
from simulator.units.base import OpUnit
from simulator.units.storage import Storage
from simulator.workload.closed_forms import step_totals
from simulator.workload.model_file import load_model
from simulator.workload.precision import Precision
from simulator.workload.scenario import Workload

TOO_SMALL = "groq_lpu_chip"
"""Holds no model of this size; its error has a test of its own."""
FILES = sorted(Path("arch_configs/platforms").glob("*/*.yaml"))
NAMES = [path.stem for path in FILES if path.stem != TOO_SMALL]
CONVENTIONAL = [path.stem for path in FILES if path.parent.name in ("cpu", "gpu", "fpga", "asic")]
"""Without units at the banks: their products meet memory and arithmetic as a roofline has it."""
BATCHES = (1, 8, 64)
FEWER = {"groq_lpu_system_70b": (1, 8)}
"""Where the messages of 64 sequences between 560 chips would take a test too long."""
MODEL = replace(load_model("llama2_7b"), name="blocks of llama2_7b", n_layers=4)
PROMPT = 480
SHORT = {"groq_lpu_system": 60, "groq_lpu_system_70b": 60, "groq_lpu_row": 60} | dict.fromkeys(
    ("tpu_v5e_8", "dgx_a100_hbm3", "dgx_h100", "attacc_bank", "attacc_bankgroup", "attacc_buffer"), 8
)
"""Where 64 longer sequences do not fit beside the blocks, or their prompts would take a test too long."""
ROUNDING = 1.01
"""Refreshes fall on other ops when times change."""
PRODUCT = (4096, 4096)
MANY = 64
RIDGE_MARGIN = 4
"""How far behind the ridge of its roofline a product must be before what holds it is sure."""

ARITHMETIC = {limits.COMPUTE, limits.LANES}
MEMORY = {limits.PINS, limits.REQUESTS, limits.ROWS, limits.REFRESH, limits.BANKS, limits.SRAM_STREAMS, limits.MESH}
ATTENTION = ("attn_score", "attn_context")
"""The second is part of the first where a unit does both at once."""
PRODUCTS = ("qkv_proj", "out_proj", "ffn_gate", "ffn_up", "ffn_down")
HELD_OTHERWISE = {
    "upmem_server": "a DPU multiplies in software, some hundred times slower than it reads",
    "groq_lpu_system": "heads of 128 elements fill two fifths of a plane of 320 x 320",
    "groq_lpu_system_70b": "as groq_lpu_system",
    "groq_lpu_row": "as groq_lpu_system",
    "tpu_v5e_8": "weights come ahead while all-reduces go on, so that the arrays have them at hand",
    "neupims": "weights of the output projection come ahead while attention runs at the banks",
    "wafer_scale_wse2": "64 sequences' scores: no weights, and fewer hops than a product",
    "ndp3d_tsv": "one query vector leaves most of the arrays' columns idle at the stack's rate",
    "ndp3d_hybrid_bonded": "as ndp3d_tsv",
}
"""Platforms whose attention, or whose products at batch 1, the arithmetic holds, and why."""
UNFED = {"jetson_agx_orin_gpu": limits.REQUESTS}
"""Its cores request two fifths of the pins' rate, and with 4 MB of cache read the operands of a large product again."""


@cache
def arch_of(name: str) -> Arch:
    return load_arch(name)


def run(name: str, batch: int) -> Result:
    workload = Workload(
        name="step",
        model=MODEL,
        batch=batch,
        prompt_tokens=SHORT.get(name, PROMPT),
        output_tokens=2,
        precision=Precision(),
    )
    return simulate(arch_of(name), workload)


def printed(name: str, devices: int) -> tuple[float, float]:
    """(bytes, operations) a second of all devices by what their makers print; endless where they print nothing."""
    gb_s, tflops = PRINTED.get(name, (None, None))
    endless = float("inf")
    return devices * (gb_s * 1e9 if gb_s else endless), devices * (tflops * 1e12 if tflops else endless)


def peaks(system: System, devices: int) -> tuple[float, float]:
    """(bytes, operations) a second of all devices, at what any component's own limits allow."""
    parts = system.components.values()
    bytes_per_s = sum(max(rate for _, rate in c.ceilings()) for c in parts if isinstance(c, Storage))
    rates = [c.flops_per_s for c in parts if isinstance(c, OpUnit) and c.role != "fabric"]
    flops = float("inf") if None in rates and not any(rates) else sum(rate or 0.0 for rate in rates)
    return devices * bytes_per_s, devices * flops


@pytest.mark.parametrize("name", NAMES)
def test_larger_batches_give_more_tokens_below_the_roofline_and_ops_are_held_by_what_must_hold_them(name: str) -> None:
    batches = FEWER.get(name, BATCHES)
    results = [run(name, batch) for batch in batches]
    rates = [result.tokens_per_s or 0.0 for result in results]
    tpots = [result.latency.tpot_s or 0.0 for result in results]
    assert all(small <= large * ROUNDING for small, large in itertools.pairwise(rates))
    assert all(small <= large * ROUNDING for small, large in itertools.pairwise(tpots))
    assert tpots[0] < tpots[-1]
    devices = results[0].arch.values.get("devices", {}).get("count", 1)
    bytes_per_s, flops_per_s = peaks(build_system(arch_of(name).spec), devices)
    printed_bytes_per_s, printed_flops_per_s = printed(name, devices)
    for batch, rate, result in zip(batches, rates, results, strict=True):
        cached = SHORT.get(name, PROMPT)
        step = step_totals(MODEL, batch=batch, queries=1, cached=cached, precision=Precision())
        n_bytes = step.weight_bytes + step.kv_read_bytes
        assert 0 < rate <= batch / max(n_bytes / bytes_per_s, step.flops / flops_per_s)
        assert rate * max(n_bytes / printed_bytes_per_s, step.flops / printed_flops_per_s) <= batch
        held = result.bound_by
        products = {held[kind] for kind in PRODUCTS}
        if name not in HELD_OTHERWISE:
            assert not {held[kind] for kind in ATTENTION if kind in held} & ARITHMETIC
            assert batch > 1 or not products & ARITHMETIC
        # An FP16 weight of two bytes is a multiply-add for each sequence.
        if batch > RIDGE_MARGIN * flops_per_s / bytes_per_s:
            assert products <= ARITHMETIC | {limits.MESH}


@pytest.mark.parametrize("name", CONVENTIONAL)
def test_weights_hold_one_vector_back_and_arithmetic_holds_many(name: str) -> None:
    arch = arch_of(name)
    bytes_per_s, flops_per_s = peaks(build_system(arch.spec), 1)
    # A vector more is two operations for the two bytes of an FP16 weight.
    many = max(MANY, 2 ** ceil(log2(RIDGE_MARGIN * flops_per_s / bytes_per_s)))
    one, all_ = (run_op(arch, "gemm", PRODUCT, batch=batch)["bound_by"] for batch in (1, many))
    assert one in MEMORY
    assert all_ == UNFED[name] if name in UNFED else all_ in ARITHMETIC | {limits.MESH}
