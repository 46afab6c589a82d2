"""Experts that tokens choose: means in closed form, loads against tokens that choose at random."""

import random
from statistics import fmean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.workload.routing import Routing, expected_hit, popularity, rounded_sum


@st.composite
def choices(draw: st.DrawFn) -> tuple[int, int, int, float]:
    count = draw(st.integers(1, 40))
    return count, draw(st.integers(1, count)), draw(st.integers(1, 300)), draw(st.sampled_from((0.0, 0.4, 1.2)))


@settings(max_examples=150, deadline=None)
@given(choices(), st.integers(0, 60))
def test_loads_are_all_choices_and_no_expert_gets_a_token_twice(
    choice: tuple[int, int, int, float], layer: int
) -> None:
    count, chosen, tokens, skew = choice
    routing = Routing(skew=skew)
    hit = routing.hit(count, chosen, tokens, layer)
    assert chosen <= hit <= min(count, chosen * tokens)
    loads = routing.loads(count, chosen, tokens, hit)
    assert sum(experts for _, experts in loads) == hit
    assert sum(load * experts for load, experts in loads) == chosen * tokens
    assert all(1 <= load <= tokens for load, _ in loads)
    assert list(loads) == sorted(loads, reverse=True)


@pytest.mark.parametrize(("count", "chosen"), [(8, 2), (60, 4), (128, 8)])
def test_equally_popular_experts_are_hit_as_often_as_the_formula_says(count: int, chosen: int) -> None:
    for tokens in (1, 2, 8, 64):
        mean = count * (1 - (1 - chosen / count) ** tokens)
        assert expected_hit(popularity(count, chosen, 0.0), tokens) == pytest.approx(mean)
        layers = [Routing().hit(count, chosen, tokens, layer) for layer in range(48)]
        assert sum(layers) == round(48 * mean)
        assert max(layers) - min(layers) <= 1
    assert {Routing().hit(count, chosen, 1, layer) for layer in range(48)} == {chosen}


@given(st.integers(1, 200), st.data(), st.floats(0, 3))
def test_popularity_is_a_probability_and_falls(count: int, data: st.DataObject, skew: float) -> None:
    chosen = data.draw(st.integers(1, count))
    found = popularity(count, chosen, skew)
    assert sum(found) == pytest.approx(chosen)
    assert all(0 <= p <= 1 for p in found)
    assert list(found) == sorted(found, reverse=True)


def test_loads_are_as_uneven_as_those_of_tokens_that_choose_at_random() -> None:
    count, chosen, tokens = 64, 8, 40
    draw, busiest, hits = random.Random(3), [], []
    for _ in range(400):
        taken = [0] * count
        for _ in range(tokens):
            for expert in draw.sample(range(count), chosen):
                taken[expert] += 1
        busiest.append(max(taken))
        hits.append(sum(load > 0 for load in taken))
    hit = Routing().hit(count, chosen, tokens, 0)
    assert hit == pytest.approx(fmean(hits), abs=0.6)
    assert Routing().loads(count, chosen, tokens, hit)[0][0] == pytest.approx(fmean(busiest), rel=0.12)


def test_popular_experts_make_fewer_be_hit() -> None:
    hits = [Routing(skew=skew).hit(64, 6, 16, 0) for skew in (0.0, 0.5, 1.0, 2.0)]
    assert hits == sorted(hits, reverse=True)
    assert hits[0] > hits[-1] >= 6


def test_sums_over_layers_are_rounded_once() -> None:
    assert [rounded_sum(2.5, n) for n in range(5)] == [0, 3, 5, 8, 10]
