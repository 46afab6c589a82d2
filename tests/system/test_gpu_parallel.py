"""Several GPUs: every shipped one takes part, weights are read once over all, heads and hosts count as they should."""

import re
from pathlib import Path

import pytest

from simulator.api import load_arch, load_workload, run_op, simulate
from simulator.errors import MappingError
from simulator.metrics.result import Result

FABRICS = sorted(
    path.stem
    for path in Path("arch_configs/platforms").glob("*/*.yaml")
    if re.search(r"use: links/\w+_[nrh]ccl", path.read_text()) or path.stem == "mi250_gcd"
)
CELLS = "cell_array->bank_io"


def run(platform: str, *overrides: str, devices: int = 1, how: str = "tensor", batch: int = 1) -> Result:
    several = [f"devices.count={devices}", f"parallelism.{how}={devices}"]
    workload = load_workload("decode_512", [f"batch={batch}", "prompt_tokens=16", "output_tokens=2"])
    return simulate(load_arch(platform, [*several, *overrides]), workload)


def decode_s(result: Result) -> float:
    return result.latency.tpot_s or 0.0


@pytest.mark.parametrize("platform", FABRICS)
def test_every_gpu_with_a_fabric_can_be_one_of_several(platform: str) -> None:
    times = [run_op(load_arch(platform, [f"devices.count={n}"]), "allreduce", (8, 4096))["time_ps"] for n in (2, 8)]
    assert all(1e6 < time_ps < 1e9 for time_ps in times)


def test_tensor_parallel_gpus_read_each_weight_once_and_add_their_times_up() -> None:
    one, two, eight = (run("a100_sxm_80g", devices=n) for n in (1, 2, 8))
    assert decode_s(one) > decode_s(two) > decode_s(eight) > decode_s(one) / 8
    assert two.data_movement_bytes[CELLS] == pytest.approx(one.data_movement_bytes[CELLS], rel=0.02)
    assert eight.time_by_op_kind_s["decode"]["allreduce"] > 0
    assert eight.power_w is not None
    assert one.power_w is not None
    assert 2 * one.power_w < eight.power_w < 8 * one.power_w


def test_a_replicated_head_is_read_on_each_device() -> None:
    dealt_out, replicated = (
        run("a100_sxm_80g", f"parallelism.head={head}", devices=4) for head in ("dealt_out", "replicated")
    )
    head_bytes = 2 * 32000 * 4096
    more = replicated.data_movement_bytes[CELLS] - dealt_out.data_movement_bytes[CELLS]
    assert more == pytest.approx(2 * 3 * head_bytes, rel=0.01), "once in the prompt, once in decode"
    assert decode_s(replicated) > decode_s(dealt_out)


def test_one_sequence_passes_a_pipeline_of_gpus_no_faster_than_one_gpu() -> None:
    one, four = run("rtx4090"), run("rtx4090", devices=4, how="pipeline")
    assert decode_s(one) < decode_s(four) < 1.05 * decode_s(one)
    assert four.power_w is not None
    assert one.power_w is not None
    assert one.power_w < four.power_w < 4 * one.power_w


def test_heads_of_a_pipeline_that_is_not_full_are_done_while_its_last_stage_would_wait() -> None:
    one, two, four = (run("rtx4090", devices=4, how="pipeline", batch=batch) for batch in (1, 2, 4))
    head_s = one.time_by_op_kind_s["decode"]["lm_head"]
    assert decode_s(two) == pytest.approx(decode_s(one), rel=0.005)
    assert two.time_by_op_kind_s["decode"]["lm_head"] == pytest.approx(head_s, rel=0.01)
    assert two.work_by_op_kind["decode"]["lm_head"].bytes == 2 * one.work_by_op_kind["decode"]["lm_head"].bytes
    assert decode_s(four) == pytest.approx(decode_s(one) + 3 * head_s, rel=0.01), "a full one waits for the last stage"


def test_an_eager_host_issues_collectives_too() -> None:
    graphs, eager = (
        run(
            "a100_sxm_80g",
            f"components.stack.graphs={flag}",
            "components.stack.kernel_host_ns={default: 20000}",
            devices=8,
        )
        for flag in ("true", "false")
    )
    kernels = 32 * 10
    assert decode_s(eager) > decode_s(graphs)
    assert decode_s(eager) >= kernels * 20e-6
    assert eager.bound_by["ffn_up"] == "host"


def test_a_single_device_does_not_list_the_guesses_of_its_fabric() -> None:
    assert not any("fabric" in text for text in run("a100_sxm_80g").assumptions)
    assert any("fabric" in text for text in run("a100_sxm_80g", devices=2).assumptions)


def test_what_cannot_be_dealt_out_is_named() -> None:
    with pytest.raises(MappingError, match="32 heads of llama2_7b do not deal out evenly to 3 devices"):
        run("h100_sxm", devices=3)
    with pytest.raises(MappingError, match=r"tensor 2 x pipeline 1 x data 1 is 2, but devices\.count is 4"):
        run("h100_sxm", "devices.count=4", devices=2)
    with pytest.raises(MappingError, match="wants a fabric component for allreduce"):
        run_op(load_arch("m2_ultra_gpu"), "allreduce", (1, 64))
