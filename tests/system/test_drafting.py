"""Speculative decoding: what a step costs equals its parts, simulated by themselves; drafts on another device."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tiny import MODEL, Log, arch, workload

from simulator.api import build_for, simulate
from simulator.config.platform_schema import Platform
from simulator.config.registry import optimization_blocks
from simulator.errors import CapacityError, MappingError
from simulator.hooks import Hooks
from simulator.metrics.result import Result
from simulator.system.builder import System
from simulator.system.capacity import check_capacity
from simulator.system.serving.platform_steps import PlatformSteps
from simulator.workload.model import Model
from simulator.workload.serving_graphs import Group
from simulator.workload.step import Step

DRAFT = Model("tiny_draft", 1, 128, 2, 2, 64, 256, MODEL.vocab_size, 4096)
DEPTH, CONTEXT = 3, 40
ONE_OF_EACH_KIND = (
    "h100_sxm", "xeon_8488c", "vhk158", "hbm3_npu", "aim_1card", "hbm_pim_card", "upmem_server", "ndp3d_hbm3",
    "rtx4090_xeon",
)  # fmt: skip
TOLERANCE = 0.006
"""Passes of a step meet refreshes at other places than alone."""


@pytest.fixture(autouse=True)
def drafts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("simulator.workload.optimizations.speculative.load_model", lambda name: DRAFT)


def run(platform: str, output: int, *instruments: Any, batch: int = 2, **block: Any) -> Result:
    methods = {"speculative": optimization_blocks.get("speculative").model_validate(block)} if block else {}
    job = workload(batch=batch, prompt_tokens=CONTEXT, output_tokens=output, optimizations=methods)
    return simulate(arch(platform), job, hooks=instruments)


def tpot_s(result: Result) -> float:
    assert result.latency.tpot_s is not None
    return result.latency.tpot_s


def alone_s(platform: str, model: Model, step: Step, **methods: Any) -> float:
    """A pass of ``model`` by itself, with logits for all of its tokens."""
    spec = arch(platform)

    def build(changed: Platform, hooks: Hooks) -> System:
        return build_for(replace(spec, spec=changed), hooks, exact=False, engine="compiled")

    steps = PlatformSteps(spec.spec, workload(model=model, optimizations=methods), build)
    return steps.groups((Group(step),), step.tokens).time_ps * 1e-12


@pytest.mark.parametrize("platform", ONE_OF_EACH_KIND)
def test_a_step_takes_its_drafts_and_its_verification_shared_out_to_the_tokens_it_yields(platform: str) -> None:
    """The verify bound: with acceptance 1 (drafts + verification) / (depth + 1) a token, with 0 all of it for one."""
    drafting_s = sum(alone_s(platform, DRAFT, Step(2, 1, CONTEXT + level)) for level in range(DEPTH))
    verifying_s = alone_s(platform, MODEL, Step(2, DEPTH + 1, CONTEXT))
    draft = {"drafter": "model", "model": "tiny_draft", "depth": DEPTH}
    always = run(platform, 1 + DEPTH + 1, **draft, acceptance=1.0)
    never = run(platform, 2, **draft, acceptance=0.0)
    assert tpot_s(always) == pytest.approx((drafting_s + verifying_s) / (DEPTH + 1), rel=TOLERANCE)
    assert tpot_s(never) == pytest.approx(drafting_s + verifying_s, rel=TOLERANCE)
    assert tpot_s(never) > tpot_s(run(platform, 2))


@pytest.mark.parametrize("acceptance", [1.0, 0.0])
def test_heads_cost_what_their_verification_costs_with_them(acceptance: float) -> None:
    heads = optimization_blocks.get("speculative").model_validate(
        {"drafter": "medusa", "depth": DEPTH, "acceptance": acceptance}
    )
    verifying_s = alone_s("hbm3_npu", MODEL, Step(2, DEPTH + 1, CONTEXT), speculative=heads)
    found = run("hbm3_npu", 1 + DEPTH + 1 if acceptance else 2, **heads.model_dump(exclude_none=True))
    assert tpot_s(found) == pytest.approx(verifying_s / (1 + DEPTH * acceptance), rel=TOLERANCE)
    assert verifying_s > alone_s("hbm3_npu", MODEL, Step(2, DEPTH + 1, CONTEXT))


@pytest.mark.parametrize("acceptance", [(1.0, 1.0), (0.8, 0.5), (0.0, 0.9)])
@pytest.mark.parametrize("width", [(), (2, 1), (4, 3)])
def test_a_tree_verifies_all_nodes_and_yields_what_its_levels_accept(
    acceptance: tuple[float, float], width: tuple[int, ...]
) -> None:
    """Time a token = (a draft for each level's nodes + 1 + sum of widths verified) / (1 + a1 + a1 a2)."""
    wide = width or (1, 1)
    platform, (a1, a2) = "h100_sxm", acceptance
    drafting_s = alone_s(platform, DRAFT, Step(2, 1, CONTEXT)) + alone_s(platform, DRAFT, Step(2, wide[0], CONTEXT + 1))
    verifying_s = alone_s(platform, MODEL, Step(2, 1 + sum(wide), CONTEXT))
    draft = {"drafter": "model", "model": "tiny_draft", "depth": 2, "acceptance": acceptance, "width": width}
    assert tpot_s(run(platform, 2, **draft)) == pytest.approx(
        (drafting_s + verifying_s) / (1 + a1 + a1 * a2), rel=TOLERANCE
    )


ON_CPU = {"drafter": "model", "model": "tiny_draft", "depth": DEPTH, "acceptance": 1.0, "on": "cpu"}


def test_a_draft_model_on_the_processor_beside_takes_that_ones_time() -> None:
    """Of rtx4090_xeon the CPU is the one of xeon_8488c; tokens cross PCIe in 80 ns there and back."""
    drafting_s = sum(alone_s("xeon_8488c", DRAFT, Step(2, 1, CONTEXT + level)) for level in range(DEPTH))
    verifying_s = alone_s("rtx4090_xeon", MODEL, Step(2, DEPTH + 1, CONTEXT))
    found = run("rtx4090_xeon", 1 + DEPTH + 1, **ON_CPU)
    assert tpot_s(found) * (DEPTH + 1) == pytest.approx(drafting_s + verifying_s + 2 * 80e-9, rel=TOLERANCE)


def test_a_draft_model_lies_in_the_memory_of_its_component_and_only_tokens_cross_the_link() -> None:
    log = Log()
    run("rtx4090_xeon", 1 + 2 * (DEPTH + 1), log, **ON_CPU)
    crossed = [line[4] for line in log.lines if line[0] == "transfer" and line[5] == "pcie"]
    # Of two steps each: the last token of both sequences to the draft model, all that are verified to the model.
    assert crossed == [2 * 4, 2 * (DEPTH + 1) * 4] * 2
    drafted = [line for line in log.lines if line[0] == "start" and line[4] == "cpu" and line[3] == "lm_head"]
    assert len(drafted) == 1 + 2 * DEPTH
    read = sum(line[4] for line in log.lines if line[0] == "transfer" and line[5] == "host_memory")
    assert read > 2 * DEPTH * 2 * 128 * MODEL.vocab_size


def test_a_draft_model_takes_room_where_it_runs() -> None:
    large = replace(DRAFT, n_layers=40, d_model=8192, n_heads=64, n_kv_heads=64, head_dim=128, d_ff=22016)
    spec = arch("rtx4090_xeon")
    system = build_for(spec, Hooks([]), exact=False, engine="compiled")

    def job(**block: Any) -> Any:
        entry = {"drafter": "model", "model": "large", "depth": 1, "acceptance": 0.5} | block
        return workload(optimizations={"speculative": optimization_blocks.get("speculative").model_validate(entry)})

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("simulator.workload.optimizations.speculative.load_model", lambda name: large)
        with pytest.raises(CapacityError):
            check_capacity(system, job())
        check_capacity(system, job(on="cpu"))


def test_a_draft_model_runs_on_the_npu_beside_near_bank_units() -> None:
    """IANUS: the model's projection to the vocabulary at the banks, that of the drafts on the matrix unit."""
    log = Log()
    run("ianus", 2, log, batch=1, **{**ON_CPU, "on": ("matrix", "vector", "host")})
    heads = [line[4] for line in log.lines if line[0] == "start" and line[3] == "lm_head"]
    assert heads == ["matrix", "near_bank", *["matrix"] * DEPTH, "near_bank"]


def test_a_component_that_is_not_there_is_named_with_the_nearest() -> None:
    with pytest.raises(MappingError, match=r"optimizations\.speculative\.on: there is no component 'cqu' .*'cpu'"):
        run("rtx4090_xeon", 2, **{**ON_CPU, "on": "cqu"})
    with pytest.raises(MappingError, match=r"on 'copy', which cannot run it"):
        run("rtx4090_xeon", 2, **{**ON_CPU, "on": "copy"})
