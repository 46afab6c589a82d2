"""Whole experts on devices: every weight is read once over all of them, and tokens get to their experts and back."""

from dataclasses import replace
from functools import cache

import pytest
from tiny import MODEL, workload

from simulator.api import Arch, load_arch, run_op, simulate
from simulator.errors import MappingError
from simulator.mapping.parallel.experts import ExpertPlan
from simulator.metrics.result import Result
from simulator.system.parallel import spread_workload
from simulator.units import hops
from simulator.workload.alike import alike_blocks
from simulator.workload.blocks.experts import Experts
from simulator.workload.blocks.latent_attention import LatentAttention
from simulator.workload.busiest import expected_most
from simulator.workload.model import Model
from simulator.workload.precision import Precision
from simulator.workload.step import Step
from simulator.workload.transformer import Transformer

MIXTRAL = replace(MODEL, name="mixtral", n_layers=3, d_ff=512, architecture=Transformer(feed_forward=Experts(6, 2)))
DEEPSEEK = replace(
    MIXTRAL,
    name="deepseek",
    architecture=Transformer(
        attention=LatentAttention(rank=64, plain=32, rotary=16),
        feed_forward=Experts(10, 3, shared_width=64, shared_gate=True),
        dense_layers=1,
        dense_width=320,
    ),
)
EXPERTS = ("expert_gate", "expert_up", "expert_down", "expert_combine")


@cache
def arch(platform: str = "h100_sxm", **parallel: int) -> Arch:
    sizes = {"tensor": 1, "pipeline": 1, "data": 1} | parallel
    count = sizes["tensor"] * sizes["pipeline"] * sizes["data"]
    return load_arch(platform, [*(f"parallelism.{key}={n}" for key, n in parallel.items()), f"devices.count={count}"])


def run(model: Model, batch: int, **parallel: int) -> Result:
    return simulate(arch(**parallel), workload(model=model, batch=batch, prompt_tokens=8, output_tokens=4))


def work(result: Result) -> dict[tuple[str, str], tuple[int, int]]:
    return {
        (stage, kind): (kinds[kind].flops, kinds[kind].bytes)
        for stage, kinds in result.work_by_op_kind.items()
        for kind in EXPERTS
    }


SPREADS = [
    {"tensor": 2, "expert": 2},
    {"tensor": 4, "expert": 4},
    {"data": 4, "expert": 4},
    {"data": 8, "expert": 8},
    {"tensor": 2, "data": 2, "expert": 4},
    {"data": 2, "pipeline": 2, "expert": 2},
]


@pytest.mark.parametrize("spread", SPREADS, ids=str)
@pytest.mark.parametrize("model", [MIXTRAL, DEEPSEEK], ids=lambda model: model.name)
def test_experts_are_read_once_over_all_devices(model: Model, spread: dict[str, int]) -> None:
    batch = 8
    one, several = run(model, batch), run(model, batch, **spread)
    if "pipeline" in spread:
        # A microbatch hits what its own tokens hit.
        one = run(model, batch // 2)
        assert work(several) == {where: (2 * flops, 2 * n_bytes) for where, (flops, n_bytes) in work(one).items()}
        return
    assert work(several) == work(one)


def test_copies_that_share_no_experts_read_them_each() -> None:
    shared, apart = run(MIXTRAL, 8, data=4, expert=4), run(MIXTRAL, 8, data=4)
    assert work(apart)["decode", "expert_up"][1] > 1.5 * work(shared)["decode", "expert_up"][1]
    assert "alltoall" not in apart.time_by_op_kind_s["decode"]


def test_tokens_cross_once_for_each_device_that_has_an_expert_of_them() -> None:
    plan = ExpertPlan(Experts(6, 2), tensor=1, copies=3)
    # Two experts a device: both of a token's on one device with 1/5, so 2 x 4/5 + 1/5 devices of three.
    assert plan.reached == pytest.approx(1.8 / 3)
    every = ExpertPlan(Experts(6, 6), tensor=1, copies=3)
    assert every.reached == 1
    result = simulate(arch(data=3, expert=3), workload(model=MIXTRAL, batch=6, prompt_tokens=8, output_tokens=1))
    vectors = 2 * 8 * MIXTRAL.d_model * 2
    moved = round(vectors * 3 * plan.reached)
    alone = run_op(arch(data=3), "alltoall", (1, moved // 2))
    assert result.data_movement_bytes[hops.LINK] == MIXTRAL.n_layers * 2 * alone["link_bytes"]


WIDE = replace(MIXTRAL, name="wide", d_model=2048, n_heads=16, d_ff=8192)


def test_the_busiest_device_sets_the_time() -> None:
    cut, whole = run(WIDE, 1, tensor=4), run(WIDE, 1, tensor=4, expert=4)
    times = [result.time_by_op_kind_s["decode"]["expert_up"] for result in (cut, whole)]
    # Of two experts that are hit, four devices have a quarter each; or one device has one, or both.
    assert 1.4 < times[1] / times[0] < 5
    assert any("the busiest has as many experts" in text for text in whole.assumptions)


def test_a_device_holds_its_experts_and_all_else_of_its_copy() -> None:
    one, four = run(WIDE, 4), run(WIDE, 4, data=4, expert=4)
    expert = WIDE.n_layers * 3 * Precision().weight_bytes(WIDE.d_ff * WIDE.d_model)
    saved = 4 * one.capacity.needed_bytes - four.capacity.needed_bytes
    # Of six experts the fullest of four devices has two.
    assert saved == pytest.approx(4 * 4 * expert, rel=0.02)


def test_more_devices_than_experts_leave_some_without() -> None:
    one, eight = run(MIXTRAL, 8), run(MIXTRAL, 8, data=8, expert=8)
    assert work(eight) == work(one)


def test_what_does_not_go_together_is_refused_in_one_line() -> None:
    with pytest.raises(MappingError, match=r"parallelism\.expert: tiny has no experts \(allowed: 1\)"):
        simulate(arch(data=2, expert=2), workload(batch=2))
    with pytest.raises(MappingError, match=r"parallelism\.expert: 3 is not .* \(allowed .*: 1, 2, 4\)"):
        run(MIXTRAL, 4, tensor=2, data=2, expert=3)
    cent = load_arch("cent_8dev", ["parallelism.tensor=8", "parallelism.pipeline=1", "parallelism.stage=device",
                                   "parallelism.start=at_once", "parallelism.expert=8"])  # fmt: skip
    with pytest.raises(MappingError, match=r"parallelism\.expert: not with the policy spread_products"):
        simulate(cent, workload(model=MIXTRAL))


def test_the_same_run_gives_the_same_result() -> None:
    wall = {"provenance": {"wall_s"}}
    first, second = (run(DEEPSEEK, 4, data=2, expert=2).model_dump(exclude=wall) for _ in range(2))
    assert first == second


def test_blocks_with_one_expert_more_on_the_busiest_device_are_told_apart() -> None:
    many = replace(MIXTRAL, n_layers=40, architecture=Transformer(feed_forward=Experts(64, 6)))
    platform = arch(data=4, expert=4)
    held = spread_workload(platform.spec, workload(model=many, batch=4)).held(many)
    blocks = alike_blocks(held, 1)
    part = held.architecture.feed_forward
    hits = [part.variant(Step(1, 1, 0), layer) for layer in range(40)]
    most = {layer: part.busiest(hits[layer], layer) for layer in blocks}
    assert len(set(most.values())) > 1
    found = sum(most[layer] * len(alike) for layer, alike in blocks.items())
    assert found == pytest.approx(sum(expected_most(64, 4, hit) for hit in hits), abs=1.5)
