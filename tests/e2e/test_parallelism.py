"""Expert and sequence parallelism, and methods on several devices, from the command line."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from simulator.units.hops import LINK

SHORT = ("prompt_tokens=16", "output_tokens=3", "batch=4")


def settings(*overrides: str) -> list[str]:
    return [part for override in (*SHORT, *overrides) for part in ("--set", override)]


def run(nearbank: Callable[..., Any], *overrides: str) -> Any:
    return nearbank("run", "h100_sxm", "llama2_7b_512_64", *settings(*overrides), "--json")


def test_experts_over_copies_of_a_model(nearbank: Callable[..., Any]) -> None:
    several = ("model=qwen15_moe_a2_7b", "devices.count=4", "parallelism.data=4")
    apart, shared = (run(nearbank, *several, *more).json for more in ((), ("parallelism.expert=4",)))
    kinds = [found["work_by_op_kind"]["decode"] for found in (apart, shared)]
    assert kinds[1]["expert_up"]["bytes"] < kinds[0]["expert_up"]["bytes"]
    assert kinds[1]["expert_up"]["flops"] == kinds[0]["expert_up"]["flops"]
    assert shared["data_movement_bytes"][LINK] > 0
    assert shared["capacity"]["needed_bytes"] < apart["capacity"]["needed_bytes"]
    assert any("whole experts on 4 devices" in text for text in shared["assumptions"])


def test_tokens_over_devices_and_a_draft_model(nearbank: Callable[..., Any]) -> None:
    two = ("model=llama32_1b", "devices.count=2", "parallelism.sequence=2")
    found = run(nearbank, *two, "optimizations.speculative={drafter: eagle, depth: 2, acceptance: 0.6}").json
    assert found["time_by_op_kind_s"]["decode"]["allreduce"] > 0
    assert found["time_by_op_kind_s"]["prefill"]["allgather"] > 0
    shown = nearbank("show", "h100_sxm", "--set", "devices.count=2", "--set", "parallelism.sequence=2")
    assert "tensor 1 x sequence 2 x pipeline 1 x data 1" in " ".join(shown.out.split())


def test_the_place_that_gives_the_devices_is_named(nearbank: Callable[..., Any]) -> None:
    assert run(nearbank, "devices.count=2").err.startswith("--set devices.count=2: parallelism: tensor 1 x pipeline 1")
    shown = nearbank("run", "cent_8dev", "llama2_7b_512_64", "--set", "parallelism.pipeline=4")
    assert re.match(
        r"arch_configs/platforms/pim/\w+\.yaml:\d+:\d+: parallelism: .* is 4, but devices.count is 8", shown.err
    )


ONE = ("devices.count=2", "parallelism.data=2")
REFUSED = {
    ("devices.count=2", "parallelism.expert=2"): "tensor 1 x pipeline 1 x data 1 is 1, but devices.count is 2",
    (*ONE, "parallelism.expert=3"): "parallelism.expert: 3 is not the devices of one or more copies",
    (*ONE, "parallelism.expert=2"): "parallelism.expert: llama2_7b has no experts (allowed: 1)",
    ("parallelism.sequence=0",): "parallelism.sequence: 0 is out of range (allowed: at least 1)",
    ("parallelism.sequences=2",): "nearest: 'sequence'",
    ("devices.count=16", "parallelism.sequence=16"): "do not deal out to 16 devices (allowed: up to 8)",
    ("devices.count=2", "parallelism.sequence=2", "parallelism.policy=conveyor"): "not with the policy conveyor",
}


@pytest.mark.parametrize("overrides", REFUSED, ids=" ".join)
def test_what_does_not_go_together_is_one_line(nearbank: Callable[..., Any], overrides: tuple[str, ...]) -> None:
    shown = run(nearbank, *overrides)
    assert shown.code == 2
    assert REFUSED[overrides] in shown.err
    assert "Traceback" not in shown.err
    assert len(shown.err.strip().splitlines()) == 1
