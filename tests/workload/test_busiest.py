"""Experts over devices: the mean of the busiest against all draws, and nothing lost when loads are dealt out."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.workload.busiest import busiest_hits, dealt_out, expected_most, experts_of
from simulator.workload.routing import Routing


@pytest.mark.parametrize(
    ("count", "devices", "hit"), [(8, 4, 3), (8, 8, 5), (9, 4, 4), (6, 8, 3), (10, 3, 10), (12, 2, 1)]
)
def test_the_busiest_of_all_sets_of_experts(count: int, devices: int, hit: int) -> None:
    device_of = [device for device, held in enumerate(experts_of(count, devices)) for _ in range(held)]
    sets = list(combinations(range(count), hit))
    most = [max([device_of[expert] for expert in chosen].count(device) for device in set(device_of)) for chosen in sets]
    assert expected_most(count, devices, hit) == pytest.approx(sum(most) / len(sets), rel=1e-12)


def test_whole_experts_of_the_busiest_add_up_to_the_mean() -> None:
    layers = 40
    whole = [busiest_hits(256, 8, 40, layer) for layer in range(layers)]
    assert sum(whole) == pytest.approx(layers * expected_most(256, 8, 40), abs=0.5)
    assert min(whole) >= 5


@given(
    st.integers(2, 24).flatmap(lambda count: st.tuples(st.just(count), st.integers(1, count))),
    st.integers(2, 12),
    st.integers(1, 300),
    st.integers(0, 5),
)
def test_every_token_and_every_expert_is_dealt_out_once(
    sizes: tuple[int, int], devices: int, tokens: int, layer: int
) -> None:
    count, chosen = sizes
    routing = Routing()
    hit = routing.hit(count, chosen, tokens, layer)
    loads = routing.loads(count, chosen, tokens, hit)
    parts = dealt_out(loads, count, devices, layer)
    together: dict[int, int] = {}
    for load, experts in (pair for part in parts for pair in part):
        together[load] = together.get(load, 0) + experts
    assert together == dict(loads)
    assert len(parts) == devices
    held = [sum(experts for _, experts in part) for part in parts]
    assert held[0] == max(held) <= experts_of(count, devices)[0]
    sums = [sum(load * experts for load, experts in part) for part in parts]
    assert sums[0] * min(devices, count) >= sum(sums) or held[0] * devices >= hit


def test_of_many_tokens_the_busiest_has_little_more_than_the_mean() -> None:
    routing = Routing()
    few, many = (dealt_out(routing.loads(64, 4, tokens, 64), 64, 8, 0)[0] for tokens in (400, 40_000))
    over = [sum(load * n for load, n in part) * 8 / (4 * tokens) for part, tokens in ((few, 400), (many, 40_000))]
    assert 1.0 < over[1] < over[0] < 1.5
