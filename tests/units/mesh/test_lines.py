"""Collectives along a line of cores: the closed forms against words that move from router to router."""

from math import ceil, isqrt

from hypothesis import given
from hypothesis import strategies as st

from simulator.units.mesh.lines import Line


def down_the_ramp(streams: list[list[int]], ramp: int, words: int) -> list[int]:
    """When the sum of each word leaves a core that takes in one word a cycle, first of one stream, then of the next."""
    free, leaves = 0, []
    for word in range(words):
        taken = 0
        for stream in streams:
            taken = max(stream[word] + ramp, free)
            free = taken + 1
        leaves.append(taken + 1 + ramp)
    return leaves


def side(length: int, group: int, ramp: int, words: int) -> list[int]:
    """When each word's sum reaches the middle from one side; none where there are no cores."""
    before: list[int] = []
    remaining = length
    while remaining:
        size = remaining % group or group
        # The far end of a group sends its own words, one a cycle; each core adds its own and passes the sum on.
        sums = [word + ramp for word in range(words)]
        for position in range(1, size):
            streams = [[time + 1 for time in sums]]
            if position == size - 1 and before:
                streams.append(before)
            sums = down_the_ramp(streams, ramp, words)
        if size == 1 and before:
            sums = down_the_ramp([before], ramp, words)
        remaining -= size
        before = [time + (min(group, remaining) or 1) for time in sums]
    return before


@given(cores=st.integers(2, 400), words=st.integers(1, 60), ramp=st.integers(1, 4))
def test_a_reduction_takes_what_words_from_router_to_router_take(cores: int, words: int, ramp: int) -> None:
    reach = cores // 2
    group = max(1, isqrt(reach))
    sides = [side(length, group, ramp, words) for length in (reach, cores - 1 - reach)]
    walked = down_the_ramp([stream for stream in sides if stream], ramp, words)[-1]
    found = Line(cores, ramp).reduce(words)
    assert abs(found - walked) <= 0.1 * walked + 4 * ramp + 4


@given(cores=st.integers(1, 400), words=st.integers(0, 500), ramp=st.integers(1, 4))
def test_a_collective_takes_no_less_than_its_hops_and_its_words(cores: int, words: int, ramp: int) -> None:
    line = Line(cores, ramp)
    least = max(words, cores // 2) if cores > 1 else 0
    assert line.broadcast(words) >= least
    assert line.reduce(words) >= least
    assert line.allreduce(words) == line.reduce(words) + line.broadcast(words)


def test_a_chain_of_two_is_one_addition_and_one_hop() -> None:
    assert Line(2, 2).reduce(1) == 1 + 1 + 5
    assert Line(1, 2).allreduce(100) == 0


@given(cores=st.integers(1, 400), more=st.integers(1, 50), words=st.integers(1, 50))
def test_longer_lines_and_more_words_take_longer(cores: int, more: int, words: int) -> None:
    assert Line(cores + 2 * more, 2).broadcast(words) >= Line(cores, 2).broadcast(words)
    assert Line(cores, 2).allreduce(words + more) >= Line(cores, 2).allreduce(words)
    assert ceil(cores / 2) >= Line(cores, 2).reach
