"""The design space: which points a sweep has."""

from __future__ import annotations

import math
from collections import Counter
from functools import cache
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.api import read_sweep
from simulator.errors import ConfigError
from simulator.explore.plan import Plan
from simulator.explore.samplers import sample
from simulator.explore.space import Space

Axes = dict[str, Any]


def labels(plan: Plan) -> list[dict[str, Any]]:
    spec = plan.spec
    return [dict(p.labels) for p in sample(plan.space, spec.sampler, spec.samples, spec.seed)]


def plan(axes: Axes, **keys: Any) -> Plan:
    return read_sweep({"arch": "aim_1card", "workload": "llama2_7b_512_64", "axes": axes} | keys)


DISCRETE: Axes = {"memory.channels": [8, 16, 32, 64], "workload.batch": [1, 2, 4, 8, 16]}
CONTINUOUS: Axes = {
    "memory.controller_static_w": {"low": 2.0, "high": 12.0},
    "memory.controller_pj_per_command": {"low": 1.0, "high": 100.0, "log": True},
}
WHOLE: Axes = {"memory.channels": {"low": 3, "high": 5}, "workload.batch": {"low": 1, "high": 4, "log": True}}


@cache
def space_of(name: str) -> Space:
    return plan(globals()[name], sampler="random", samples=1).space


def test_a_grid_has_every_combination_and_the_last_axis_is_fastest() -> None:
    found = labels(plan({"memory.channels": [8, 16, 32], "workload.batch": [1, 8]}))
    assert [tuple(point.values()) for point in found] == list(product([8, 16, 32], [1, 8]))


def test_zipped_axes_advance_together_where_the_first_stands() -> None:
    axes = {"memory.channels": [8, 16], "workload.seed": [1, 2], "workload.batch": [1, 4]}
    found = labels(plan(axes, zip=[["memory.channels", "workload.batch"]]))
    assert [(p["memory.channels"], p["workload.batch"], p["workload.seed"]) for p in found] == [
        (8, 1, 1), (8, 1, 2), (16, 4, 1), (16, 4, 2),
    ]  # fmt: skip


def test_a_conditional_axis_is_left_alone_where_its_condition_fails() -> None:
    axes = {
        "memory.channels": [8, 32],
        "near_bank.accumulators": {"values": [8, 16, 32], "when": "memory.channels >= 16"},
    }
    found = labels(plan(axes))
    assert found == [{"memory.channels": 8}] + [
        {"memory.channels": 32, "near_bank.accumulators": n} for n in (8, 16, 32)
    ]


def test_a_condition_may_ask_whether_an_axis_takes_part() -> None:
    axes = {
        "memory.channels": [8, 32],
        "near_bank.accumulators": {"values": [8], "when": "memory.channels == 32"},
        "workload.batch": {"values": [1, 2], "when": "near_bank.accumulators != null"},
    }
    assert [len(point) for point in labels(plan(axes))] == [1, 3, 3]


def test_named_values_set_several_keys_and_show_each() -> None:
    axes = {"size": {"set": {"small": {"memory.channels": 8, "workload.batch": 1}, "large": {"memory.channels": 64}}}}
    found = plan(axes)
    assert labels(found) == [
        {"size": "small", "memory.channels": 8, "workload.batch": 1},
        {"size": "large", "memory.channels": 64},
    ]
    small, large = found.points()
    assert [value for _, value in small.changes] == [8]
    assert small.workload != large.workload or small.arch == large.arch


@pytest.mark.parametrize(
    ("axis", "expected"),
    [
        ({"low": 8, "high": 32, "step": 8}, [8, 16, 24, 32]),
        ({"low": 8, "high": 31, "step": 8}, [8, 16, 24]),
        ({"low": 0.1, "high": 0.3, "step": 0.1}, pytest.approx([0.1, 0.2, 0.3])),
    ],
)
def test_a_range_with_a_step_has_both_ends(axis: dict[str, Any], expected: Any) -> None:
    name = "memory.channels" if isinstance(axis["low"], int) else "memory.controller_static_w"
    assert [point[name] for point in labels(plan({name: axis}))] == expected


@given(st.integers(1, 40), st.integers(0, 2**16))
def test_a_random_sample_has_each_point_once_and_is_the_same_again(samples: int, seed: int) -> None:
    axes = DISCRETE
    space = space_of("DISCRETE")
    found = [tuple(p.labels.values()) for p in sample(space, "random", samples, seed)]
    assert found == [tuple(p.labels.values()) for p in sample(space, "random", samples, seed)]
    assert len(set(found)) == len(found) == min(samples, 20)
    assert set(found) <= set(product(axes["memory.channels"], axes["workload.batch"]))


@given(st.integers(2, 50), st.integers(0, 2**16))
def test_a_latin_hypercube_uses_every_slice_of_every_axis_once(samples: int, seed: int) -> None:
    points = [p.labels for p in sample(space_of("CONTINUOUS"), "lhs", samples, seed)]
    assert len(points) == samples
    linear = [(p["memory.controller_static_w"] - 2) / 10 for p in points]
    logs = [math.log(p["memory.controller_pj_per_command"]) / math.log(100) for p in points]
    for fractions in (linear, logs):
        assert sorted(int(f * samples + 1e-9) for f in fractions) == pytest.approx(range(samples), abs=1)
        assert max(Counter(int(f * samples) for f in fractions).values()) <= 2


@pytest.mark.parametrize("seed", range(5))
def test_whole_ranges_give_whole_numbers_and_reach_both_ends(seed: int) -> None:
    points = [p.labels for p in sample(space_of("WHOLE"), "random", 12, seed)]
    assert {p["memory.channels"] for p in points} == {3, 4, 5}
    assert {p["workload.batch"] for p in points} == {1, 2, 3, 4}


def test_a_grid_needs_steps() -> None:
    with pytest.raises(ConfigError, match="a range needs a 'step' in a grid"):
        plan({"memory.channels": {"low": 1, "high": 9}})


@pytest.mark.parametrize(
    ("axes", "message"),
    [
        (
            {"placement.policy": ["near_bank_first", "near_bank_frist"]},
            "placement.policy: .*nearest: 'near_bank_first'",
        ),
        ({"parallelism.policy": ["megaton"]}, "parallelism.policy: .*nearest: 'megatron'"),
        ({"layout": ["in_ordr"]}, "layout: .*nearest: 'in_order'"),
        ({"placement.options.sub_batch": [1, 2]}, "placement has no option 'sub_batch' .*nearest: 'sub_batches'"),
    ],
)
def test_a_policy_or_an_option_that_is_not_there_is_told_before_anything_runs(axes: Axes, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        plan(axes)


def test_an_option_of_another_policy_of_the_sweep_is_no_fault_of_its_own() -> None:
    axes = {"placement.policy": ["near_bank_first", "cooperation"], "placement.options.attention": ["pim", "xpu"]}
    assert len(labels(plan(axes))) == 4
