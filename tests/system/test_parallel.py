"""Many equal devices: what is simulated once counts as often as it happens."""

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from tiny import workload

from simulator.api import Arch, load_arch, run_op, simulate
from simulator.errors import CapacityError, MappingError
from simulator.mapping.parallel.plan import make_plan
from simulator.metrics.result import Result
from simulator.system.parallel import ParallelRunner
from simulator.workload.model import Model
from simulator.workload.model_file import load_model

MODEL = Model(
    name="even",
    n_layers=4,
    d_model=1024,
    n_heads=8,
    n_kv_heads=8,
    head_dim=128,
    d_ff=2048,
    vocab_size=1024,
    max_position=4096,
)
"""Its products fill whole channels of one device and of two."""

NO_REFRESH = "memory.dram.controller.refresh=none"


@cache
def arch(*, refresh: bool = True, **wanted: Any) -> Arch:
    """CENT devices, as many as ``tensor`` x ``pipeline`` x ``data``; a device is a stage unless told otherwise."""
    parallel = {"tensor": 1, "pipeline": 1, "data": 1, "stage": "device", "start": "at_once"} | wanted
    count = parallel["tensor"] * parallel["pipeline"] * parallel["data"]
    overrides = [f"parallelism.{key}={value}" for key, value in parallel.items()]
    return load_arch("cent_8dev", [*overrides, f"devices.count={count}", *[NO_REFRESH] * (not refresh)])


def run(platform: Arch, *, exact: bool = False, **changes: Any) -> Result:
    return simulate(platform, workload(**({"model": MODEL} | changes)), exact=exact)


def tpot_ps(result: Result) -> float:
    assert result.latency.tpot_s is not None
    return result.latency.tpot_s * 1e12


def test_copies_of_a_model_do_the_same_side_by_side() -> None:
    one, two = run(arch(refresh=False)), run(arch(refresh=False, data=2), batch=2)
    # A block that is simulated by itself starts on another tick than one that follows others.
    assert tpot_ps(two) == pytest.approx(tpot_ps(one), rel=5e-4)
    assert two.tokens_per_s == pytest.approx(2 * (one.tokens_per_s or 0), rel=5e-4)
    assert two.tokens_per_j == pytest.approx(one.tokens_per_j, rel=1e-3)
    assert two.data_movement_bytes["bank_io->mac"] == 2 * one.data_movement_bytes["bank_io->mac"]
    assert two.capacity.needed_bytes == 2 * one.capacity.needed_bytes


def test_a_host_that_samples_microbatches_side_by_side_is_never_busier_than_time() -> None:
    """More microbatches than devices, of blocks that take less than sampling does."""
    small = replace(MODEL, d_model=256, n_heads=2, n_kv_heads=2, d_ff=256)
    found = run(arch(pipeline=2, stage="block", start="refresh"), model=small, batch=4)
    assert found.utilization["host"] == 1
    assert max(found.utilization.values()) <= 1


def test_one_query_takes_a_pipeline_as_long_as_one_device() -> None:
    one, four = run(arch(refresh=False)), run(arch(refresh=False, pipeline=4))
    sends = 4 * 0.4e6 + 4 * 1e6
    assert tpot_ps(one) - 4e6 < tpot_ps(four) < tpot_ps(one) + sends
    assert four.data_movement_bytes["bank_io->mac"] == one.data_movement_bytes["bank_io->mac"]


def test_a_full_pipeline_gives_a_token_for_each_stage_in_the_time_of_one_query() -> None:
    platform = arch(refresh=False, pipeline=4)
    one, full = run(platform), run(platform, batch=4)
    heads = 3 * 1.5e6
    assert tpot_ps(one) < tpot_ps(full) < tpot_ps(one) + heads
    assert full.data_movement_bytes["bank_io->mac"] == 4 * one.data_movement_bytes["bank_io->mac"]
    assert full.energy_j.by_class["dram_array"] == pytest.approx(4 * one.energy_j.by_class["dram_array"], rel=0.02)


def test_blocks_on_shares_of_the_channels_take_longer_each_and_work_together() -> None:
    whole, shares = arch(pipeline=2, refresh=False), arch(pipeline=2, stage="block", refresh=False)
    one, together = run(shares), run(shares, batch=4)
    sampling_ps = 150e6
    assert tpot_ps(one) - sampling_ps > 1.3 * (tpot_ps(run(whole)) - sampling_ps)
    assert together.commands["MACab"] == 4 * one.commands["MACab"]
    assert tpot_ps(together) < 2 * tpot_ps(one)


def test_spread_products_read_every_weight_once() -> None:
    one, two = run(arch(refresh=False)), run(arch(refresh=False, tensor=2))
    assert two.data_movement_bytes["bank_io->mac"] == one.data_movement_bytes["bank_io->mac"]
    assert tpot_ps(two) < tpot_ps(one)
    assert {"gather", "broadcast"} <= two.time_by_op_kind_s["decode"].keys()


def test_every_wire_of_a_shared_block_is_counted_once() -> None:
    two = run(arch(refresh=False, tensor=2), prompt_tokens=1, output_tokens=2)
    flits = {elements: -(-2 * elements // 192) for elements in (512, 1024, 1536, 2048)}
    parts = [3072 // 2, 1024 // 2, 2048 // 2, 2048 // 2, 1024 // 2]
    inputs = [1024, 1024, 1024, 2048]
    block = sum(flits[n] for n in parts) + sum(flits[n] for n in inputs)
    head = flits[1024] + flits[512]
    sent = 2 * (MODEL.n_layers * block + head + flits[1024])
    assert two.energy_by_op_kind_j["decode"]["gather"] > 0
    over_cxl = two.energy_j.by_component["cxl"] / (4.4e-12 * 8 * 256)
    assert over_cxl == pytest.approx(2 * sent)


def test_idle_devices_still_refresh_and_draw_standby_power() -> None:
    one, four = run(arch()), run(arch(pipeline=4))
    background_j = sum(four.energy_by_op_kind_j[stage]["static"] for stage in ("prefill", "decode"))
    alone_j = sum(one.energy_by_op_kind_j[stage]["static"] for stage in ("prefill", "decode"))
    # Refreshes count as static where they fall due on an idle device, and as the op's where they interrupt one.
    assert background_j == pytest.approx(4 * alone_j * four.time_ps / one.time_ps, rel=0.05)
    refreshes = {result.commands["REFab"] / result.time_ps for result in (one, four)}
    assert max(refreshes) == pytest.approx(4 * min(refreshes), rel=0.02)


def test_blocks_that_start_with_a_refresh_are_exactly_equal(monkeypatch: pytest.MonkeyPatch) -> None:
    platform = arch(pipeline=2, stage="block", start="refresh")
    one_for_all = run(platform, exact=True)
    monkeypatch.setattr(ParallelRunner, "equal_blocks", False)
    each = run(platform, exact=True)
    assert each.provenance.events > 1.5 * one_for_all.provenance.events
    assert each.time_ps == one_for_all.time_ps
    assert each.commands == one_for_all.commands
    assert each.data_movement_bytes == one_for_all.data_movement_bytes
    assert each.energy_j.total == pytest.approx(one_for_all.energy_j.total, rel=1e-12)


def test_one_block_for_all_is_close_to_every_block() -> None:
    platform = arch(pipeline=2)
    fast, exact = run(platform, output_tokens=20), run(platform, output_tokens=20, exact=True)
    assert tpot_ps(fast) == pytest.approx(tpot_ps(exact), rel=0.01)
    assert fast.tokens_per_j == pytest.approx(exact.tokens_per_j, rel=0.01)
    assert any("one block of each kind" in text for text in fast.assumptions)
    assert not any("one block of each kind" in text for text in exact.assumptions)


def test_the_reference_engine_gives_the_same_result() -> None:
    job = workload(model=replace(MODEL, n_layers=2), prompt_tokens=2, output_tokens=2)
    platform = arch(pipeline=2, stage="block", start="refresh")
    clock = {"provenance": {"wall_s"}}
    results = [simulate(platform, job, engine=engine, exact=True) for engine in ("compiled", "reference")]
    assert results[0].model_dump(exclude=clock) == results[1].model_dump(exclude=clock)


def test_megatron_sums_partial_products_on_matrix_units(tmp_path: Path) -> None:
    path = tmp_path / "two.yaml"
    path.write_text(
        "kind: platform\nextends: hbm3_npu\nname: two\ndevices: {count: 2}\nparallelism: {tensor: 2}\n"
        "components:\n  nvlink: {use: links/nvlink4_switch}\n"
    )
    job = workload(model=MODEL)
    one, two = simulate(load_arch("hbm3_npu"), job), simulate(load_arch(path), job)
    assert two.time_by_op_kind_s["decode"]["allreduce"] > 0
    assert tpot_ps(two) < tpot_ps(one) + 4 * 2 * 1e6
    assert two.data_movement_bytes["cell_array->bank_io"] == pytest.approx(
        one.data_movement_bytes["cell_array->bank_io"], rel=0.02
    )
    block = ["parallelism.tensor=1", "parallelism.pipeline=2", "parallelism.stage=block"]
    with pytest.raises(MappingError, match="matrix, which runs qkv_proj, cannot work for several stages of a device"):
        simulate(load_arch(path, block), job)
    with pytest.raises(MappingError, match="8 heads of even do not deal out evenly to 3 devices"):
        simulate(load_arch(path, ["devices.count=3", "parallelism.tensor=3"]), job)


def test_numbers_that_do_not_go_together_are_named() -> None:
    with pytest.raises(MappingError, match=r"tensor 1 x pipeline 8 x data 1 is 8, but devices\.count is 3"):
        simulate(load_arch("cent_8dev", ["devices.count=3"]), workload(model=MODEL))
    with pytest.raises(MappingError, match=r"batch: 3 sequences do not deal out evenly to parallelism\.data: 2 copies"):
        run(arch(data=2), batch=3)


def test_devices_without_a_block_are_idle() -> None:
    four, eight = run(arch(pipeline=4, refresh=False)), run(arch(pipeline=8, refresh=False))
    assert eight.commands["MACab"] == pytest.approx(four.commands["MACab"], rel=0.02)
    assert eight.utilization["memory"] == pytest.approx(four.utilization["memory"] / 2, rel=0.05)


def test_the_fullest_device_has_to_hold_its_part() -> None:
    long = workload(model=replace(MODEL, max_position=1 << 24), prompt_tokens=20, output_tokens=1 << 23)
    with pytest.raises(CapacityError, match=r"more than its 16\.00 GiB"):
        simulate(arch(pipeline=2), long)
    with pytest.raises(CapacityError, match=r"more than its 8\.00 GiB"):
        simulate(arch(pipeline=2, stage="block"), long)


def test_a_plan_fills_devices_and_microbatches() -> None:
    spec = load_arch("cent_32dev").spec
    plan = make_plan(spec, 80, 80)
    assert (plan.stages, plan.groups, plan.used, plan.active, plan.microbatch) == (80, 3, 27, 3, 1)
    assert make_plan(spec, 80, 200).microbatch == 3
    assert make_plan(spec, 80, 200).microbatches == 67
    assert make_plan(spec, 80, 1).active == 1


def test_a_collective_alone_runs_on_all_devices() -> None:
    found = run_op(load_arch("cent_8dev"), "allreduce", (1, 4096))
    flits, rounds = -(-(8192 // 8) // 192), 14
    assert found["time_ps"] == rounds * (180_000 + -(-(flits + 1) * 256 * 1000 // 144))
    assert found["link_bytes"] == 8 * rounds * flits * 256 * 2
    assert found["unit"] == "cxl"


def test_a_single_device_has_no_collectives() -> None:
    with pytest.raises(MappingError, match="wants a fabric component for allreduce"):
        run_op(load_arch("aim_1card"), "allreduce", (1, 4096))


ENDS = ("embedding", "broadcast", "gather", "lm_head", "sampling", "waiting")
"""What a step does outside of its blocks."""


def test_a_block_on_a_row_of_chips_takes_one_chips_time_and_a_hop_for_each_more() -> None:
    model = replace(load_model("llama2_7b"), n_layers=4)
    roomy = "memory.bank_bytes=13107200"

    def decode_s(chips: int) -> dict[str, float]:
        overrides = (roomy, f"parallelism.tensor={chips}", "parallelism.pipeline=4", f"devices.count={4 * chips}")
        result = simulate(load_arch("groq_lpu_system", overrides), workload(model=model, output_tokens=2))
        return result.time_by_op_kind_s["decode"]

    one, three = decode_s(1), decode_s(3)
    for kind in ("qkv_proj", "out_proj", "ffn_gate", "ffn_down", "attn_score", "rmsnorm"):
        assert three[kind] == pytest.approx(one[kind], rel=1e-3)
    # Two hops more in each of four blocks; the results of the gate may be on their way while the next product goes on.
    blocks = [sum(s for kind, s in times.items() if kind not in ENDS) for times in (one, three)]
    least_s, most_s = (722e-9 + n_bytes / 14e9 for n_bytes in (8192, 2 * 12288))
    assert 4 * least_s < blocks[1] - blocks[0] < 8 * most_s
