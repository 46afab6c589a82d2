"""What has to hold on every shipped platform, whatever it is made of: blocks of Llama-2-7B at batch 1, 8 and 64."""

import itertools
from dataclasses import replace
from pathlib import Path

import pytest

from simulator.api import load_arch, simulate
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
TOO_SLOW = ("attacc", "dgx_")
"""Names of systems that a test would take too long to simulate three times begin so."""
NAMES = sorted(
    path.stem
    for path in Path("arch_configs/platforms").glob("*/*.yaml")
    if path.stem != TOO_SMALL and not path.stem.startswith(TOO_SLOW)
)
BATCHES = (1, 8, 64)
FEWER = {"tpu_v5e_8": (1, 8), "groq_lpu_system_70b": (1, 8)}
"""Where the messages of 64 prompts would take a test too long."""
MODEL = replace(load_model("llama2_7b"), name="blocks of llama2_7b", n_layers=4)
PROMPT = 480
SHORT = {"groq_lpu_system": 60, "groq_lpu_system_70b": 60, "tpu_v5e_8": 60}
"""Where 64 longer sequences do not fit beside the blocks, or messages of longer prompts would take a test too long."""
ROUNDING = 1.01
"""Refreshes fall on other ops when times change."""
RIDGE_MARGIN = 4
"""How far behind the ridge of its roofline a product must be before what holds it is sure."""

ARITHMETIC = {limits.COMPUTE, limits.LANES}
ATTENTION = ("attn_score", "attn_context")
"""The second is part of the first where a unit does both at once."""
PRODUCTS = ("qkv_proj", "out_proj", "ffn_gate", "ffn_up", "ffn_down")
HELD_OTHERWISE = {
    "upmem_server": "a DPU multiplies in software, some hundred times slower than it reads",
    "groq_lpu_system": "heads of 128 elements fill two fifths of a plane of 320 x 320",
    "groq_lpu_system_70b": "as groq_lpu_system",
    "tpu_v5e_8": "weights come ahead while all-reduces go on, so that the arrays have them at hand",
    "neupims": "weights of the output projection come ahead while attention runs at the banks",
    "wafer_scale_wse2": "64 sequences' scores: no weights, and fewer hops than a product",
    "ndp3d_tsv": "one query vector leaves most of the arrays' columns idle at the stack's rate",
    "ndp3d_hybrid_bonded": "as ndp3d_tsv",
}
"""Platforms whose attention, or whose products at batch 1, the arithmetic holds, and why."""


def run(name: str, batch: int) -> Result:
    workload = Workload(
        name="step",
        model=MODEL,
        batch=batch,
        prompt_tokens=SHORT.get(name, PROMPT),
        output_tokens=2,
        precision=Precision(),
    )
    return simulate(load_arch(name), workload)


def peaks(system: System) -> tuple[float, float]:
    """(bytes, operations) a second of all devices, at what any component's own limits allow."""
    devices = system.platform.devices.count
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
    bytes_per_s, flops_per_s = peaks(build_system(load_arch(name).spec))
    for batch, rate, result in zip(batches, rates, results, strict=True):
        cached = SHORT.get(name, PROMPT)
        step = step_totals(MODEL, batch=batch, queries=1, cached=cached, precision=Precision())
        least_s = max((step.weight_bytes + step.kv_read_bytes) / bytes_per_s, step.flops / flops_per_s)
        assert 0 < rate <= batch / least_s
        held = result.bound_by
        products = {held[kind] for kind in PRODUCTS}
        if name not in HELD_OTHERWISE:
            assert not {held[kind] for kind in ATTENTION if kind in held} & ARITHMETIC
            assert batch > 1 or not products & ARITHMETIC
        # An FP16 weight of two bytes is a multiply-add for each sequence.
        if batch > RIDGE_MARGIN * flops_per_s / bytes_per_s:
            assert products <= ARITHMETIC | {limits.MESH}
