"""Steps put together from simulated ones: exact on the grid, close beside it, and everything counted adds up."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from functools import cache
from itertools import pairwise
from typing import Any

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.api import build_for, load_arch
from simulator.config.platform_schema import Platform
from simulator.hooks import Hooks
from simulator.system.builder import System
from simulator.system.serving.accuracy import dynamic_j
from simulator.system.serving.composition import Chunk, Composition
from simulator.system.serving.costs import StepCosts
from simulator.system.serving.grid import between
from simulator.system.serving.platform_steps import PlatformSteps
from simulator.system.serving.step_cost import totals
from simulator.workload.graph import step_graph
from simulator.workload.mixed_graph import mixed_graph
from simulator.workload.model import Model
from simulator.workload.precision import Precision
from simulator.workload.scenario import Workload
from simulator.workload.step import Step

MODEL = Model(
    name="small", n_layers=2, d_model=1024, n_heads=8, n_kv_heads=4, head_dim=128, d_ff=2816, vocab_size=2000,
    max_position=4096,
)  # fmt: skip
PIPELINE = ["devices.count=2", "parallelism.pipeline=2"]
PLATFORMS = {"h100_sxm": (), "hbm2_pim_bank": (), "cent_8dev": tuple(PIPELINE)}


@cache
def steps_of(name: str) -> PlatformSteps:
    arch = load_arch(name, PLATFORMS[name])

    def build(platform: Platform, hooks: Hooks) -> System:
        return build_for(replace(arch, spec=platform), hooks, exact=False, engine="compiled")

    workload = Workload(name="w", model=MODEL, batch=1, prompt_tokens=1, output_tokens=1)
    return PlatformSteps(arch.spec, workload, build)


@cache
def costs_of(name: str) -> StepCosts:
    return StepCosts(steps_of(name), MODEL.max_position, 0)


def step(decodes: int = 0, context: int = 0, *chunks: tuple[int, int], done: int = 0) -> Composition:
    return Composition(decodes, decodes * context, tuple(Chunk(*c) for c in chunks), decodes + done)


@pytest.mark.parametrize("name", PLATFORMS)
@pytest.mark.parametrize("plain", [step(1, 128), step(4, 1024), step(12, 640), step(0, 0, (64, 512), done=1)], ids=str)
def test_a_plain_step_on_the_grid_is_what_its_simulation_says(name: str, plain: Composition) -> None:
    if name == "cent_8dev" and plain.chunks:
        plain = step(0, 0, (33, 496), done=1)  # Its tokens lie behind 512 on average.
    costs = costs_of(name)
    exact = costs.exact_point(plain)
    time_ps, amounts = costs.estimate(plain)
    assert time_ps == pytest.approx(exact.time_ps, rel=1e-12)
    assert {k: amounts[k] for k in exact.cost.amounts} == pytest.approx(dict(exact.cost.amounts), rel=1e-9)
    assert all(abs(amount) < 1e-3 for key, amount in amounts.items() if key not in exact.cost.amounts)


@pytest.mark.parametrize("name", PLATFORMS)
@pytest.mark.parametrize(
    "mixed",
    [step(5, 777), step(19, 300), step(3, 1500, (50, 77)), step(7, 90, (20, 0), (11, 300), done=2)],
    ids=str,
)
def test_steps_beside_the_grid_are_close(name: str, mixed: Composition) -> None:
    exact, (time_ps, amounts) = costs_of(name).exact_point(mixed), costs_of(name).estimate(mixed)
    assert time_ps == pytest.approx(exact.time_ps, rel=0.04)
    assert dynamic_j(amounts) == pytest.approx(dynamic_j(exact.cost.amounts), rel=0.04)


@pytest.mark.parametrize("name", ["h100_sxm", "cent_8dev"])
def test_a_longer_context_and_more_tokens_never_make_a_step_shorter(name: str) -> None:
    costs = costs_of(name)
    by_context = [costs.estimate(step(8, context))[0] for context in (0, 64, 100, 1000, 1001, 3000)]
    by_tokens = [costs.estimate(step(4, 500, (n, 0)))[0] for n in (1, 8, 40, 64)]
    for found in (by_context, by_tokens):
        # Tiles of a few tokens more may fit a little better.
        assert all(after >= before * (1 - 1e-4) for before, after in pairwise(found))


def test_weights_of_steps_add_up_to_their_times() -> None:
    costs = StepCosts(steps_of("h100_sxm"), MODEL.max_position, 0)
    asked = [step(3, 200), step(3, 210, (40, 5)), step(0, 0, (70, 0), done=1)]
    times = [costs.step_ps(each) for each in asked]
    found = totals(costs.points.all())
    assert found["decode"]["time",] == pytest.approx(sum(times[:2]), abs=2)
    assert found["prefill"]["time",] == pytest.approx(times[2], abs=1)
    kinds = sum(amount for key, amount in found["decode"].items() if key[0] == "kind")
    assert kinds == pytest.approx(found["decode"]["time",], rel=1e-9)


def test_exact_costs_simulate_every_composition_once() -> None:
    costs = StepCosts(steps_of("hbm2_pim_bank"), MODEL.max_position, 0, exact=True)
    mixed = step(3, 333, (17, 5))
    assert costs.step_ps(mixed) == costs.step_ps(mixed) == costs.exact_point(mixed).time_ps
    assert len(costs.points.all()) == 1


@given(st.integers(0, 10**6), st.sampled_from([4, 8, 16]), st.integers(1, 10**6))
def test_grid_weights_give_the_value_back(value: int, per_octave: int, most: int) -> None:
    found = between(value, per_octave, most)
    assert sum(weight for _, weight in found) == pytest.approx(1)
    assert sum(at * weight for at, weight in found) == pytest.approx(value)
    assert all(0 <= weight <= 1 for _, weight in found)
    if value <= 2 * per_octave:
        assert found == ((value, 1.0),)


def ops(graph: nx.DiGraph[str]) -> list[Any]:
    return [node["op"] for _, node in graph.nodes.items()]


GROUPS = st.lists(st.builds(Step, st.integers(1, 5), st.integers(1, 20), st.integers(0, 300)), min_size=1, max_size=3)


@settings(max_examples=30, deadline=None)
@given(GROUPS)
def test_a_mixed_step_does_the_work_of_its_groups_and_reads_weights_once(groups: list[Step]) -> None:
    def build(each: Step) -> nx.DiGraph[str]:
        return step_graph(MODEL, each, Precision())

    alone = [build(group) for group in groups]
    sampled = sum(group.batch for group in groups)
    mixed = mixed_graph(build, groups, sampled)
    assert nx.is_directed_acyclic_graph(mixed)
    assert next(iter(nx.topological_sort(mixed))) == "embedding"
    for what in ("flops", "kv_read_bytes", "kv_write_bytes"):
        assert sum(getattr(op, what) for op in ops(mixed)) == sum(getattr(op, what) for g in alone for op in ops(g))
    weights = Counter(getattr(op, "weight", None) for op in ops(mixed) if op.weight_bytes)
    assert set(weights.values()) == {1}
    for name, node in mixed.nodes.items():
        assert node["op"].name == name


def test_one_group_mixed_is_the_plain_step() -> None:
    def build(each: Step) -> nx.DiGraph[str]:
        return step_graph(MODEL, each, Precision())

    plain, mixed = build(Step(3, 1, 50)), mixed_graph(build, [Step(3, 1, 50)], 3)
    assert [op.shape_key for op in ops(plain)] == [op.shape_key for op in ops(mixed)]
    assert sorted(d["bytes"] for *_, d in plain.edges(data=True)) == sorted(
        d["bytes"] for *_, d in mixed.edges(data=True)
    )
