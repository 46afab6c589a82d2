"""Processors of each kind on whole models: below the roofline, monotone in batch, bound by what should bind them."""

import re
from functools import cache
from pathlib import Path

import pytest

from simulator import api
from simulator.metrics.result import Result
from simulator.system.builder import build_system
from simulator.units.memory import Memory
from simulator.units.processors.processor import Processor
from simulator.workload.closed_forms import step_totals
from simulator.workload.model_file import load_model
from simulator.workload.precision import Precision

PLATFORMS = {"h100_sxm": "fp16", "xeon_8488c": "fp16", "u280": "int4", "gaudi2": "fp16"}
"""One of each kind -> the weights it holds."""
PROMPT = 32


CAPACITY = re.compile(r"(\d+) GB(?:,| of)")
DESCRIBED = tuple(
    path.stem
    for path in sorted(Path("arch_configs/platforms").glob("*/*.yaml"))
    if path.parent.name in ("cpu", "gpu", "fpga", "asic") and CAPACITY.search(path.read_text().split("family:")[0])
)


@pytest.mark.parametrize("name", DESCRIBED)
def test_a_platform_has_the_memory_that_its_description_names(name: str) -> None:
    arch = api.load_arch(name)
    stores = [c.store for c in build_system(arch.spec).components.values() if isinstance(c, Memory)]
    found = CAPACITY.search(arch.spec.description or "")
    assert found is not None
    assert sum(store.capacity_bytes for store in stores) == int(found[1]) * 2**30


@cache
def result(platform: str, batch: int) -> Result:
    weights = PLATFORMS[platform]
    workload = api.load_workload(
        "decode_512",
        [f"batch={batch}", f"prompt_tokens={PROMPT}", "output_tokens=2", f"precision.weights={weights}"],
    )
    return api.simulate(api.load_arch(platform), workload)


def roofline_tokens_per_s(platform: str, batch: int) -> float:
    """The rate at which pins or multiply-adds alone would decode."""
    system = build_system(api.load_arch(platform).spec)
    memory = next(c for c in system.components.values() if isinstance(c, Memory))
    unit = next(c for c in system.components.values() if isinstance(c, Processor))
    precision = Precision(weights=PLATFORMS[platform])
    step = step_totals(load_model("llama2_7b"), batch=batch, queries=1, cached=PROMPT, precision=precision)
    step_s = max((step.weight_bytes + step.kv_read_bytes) / memory.pin_bytes_per_s, step.flops / unit.flops_per_s)
    return batch / step_s


@pytest.mark.parametrize("platform", PLATFORMS)
def test_rates_stay_below_the_roofline_and_rise_with_the_batch_as_do_tpot_and_tokens_per_j(platform: str) -> None:
    steps = [result(platform, batch) for batch in (1, 8, 64)]
    rates = {batch: step.tokens_per_s or 0.0 for batch, step in zip((1, 8, 64), steps, strict=True)}
    assert rates[1] < rates[8] < rates[64]
    for batch, rate in rates.items():
        assert 0.01 * roofline_tokens_per_s(platform, batch) < rate < roofline_tokens_per_s(platform, batch)
    for figures in ([step.latency.tpot_s or 0.0 for step in steps], [step.tokens_per_j or 0.0 for step in steps]):
        assert figures == sorted(figures)


def test_weights_bind_the_memory_at_batch_1_and_the_arithmetic_of_a_prompt() -> None:
    decode = result("h100_sxm", 1)
    assert decode.bound_by["ffn_up"] == "DRAM data pins"
    done = api.run_op(api.load_arch("h100_sxm"), "gemm", (8192, 8192), batch=8192)
    assert done["bound_by"] == "compute"


def test_few_threads_are_held_by_the_lines_they_can_miss() -> None:
    arch = api.load_arch("raspberry_pi_5", ["components.cpu.threads=1", "components.cpu.line_misses=2"])
    done = api.run_op(arch, "gemm", (4096, 4096))
    assert done["bound_by"] == "outstanding requests"
    assert done["time_ps"] > 2 * 4096 * 4096 / (2 * 64) * 130e3


def test_calibrations_of_a_stack_are_listed_in_the_result() -> None:
    names = {calibration["name"] for calibration in result("h100_sxm", 1).calibrations}
    assert "pytorch_graphs.kernel_gap_ns" in names
