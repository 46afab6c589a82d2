"""Attention on near-bank units: heads over channels, shared queries, and what appending a token writes."""

import pytest
from arrays import array, device
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.errors import MappingError
from simulator.mapping.attention import (
    CacheShape,
    append_bytes,
    append_program,
    cache_rows,
    context_gemv,
    head_span,
    score_gemv,
)
from simulator.mapping.gemv import GemvPlan, gemv_chain

caches = st.builds(CacheShape, heads=st.integers(1, 20), head_dim=st.sampled_from([16, 64, 80, 128]))


@given(cache=caches, channels=st.integers(1, 40))
def test_heads_share_the_channels_without_overlap(cache: CacheShape, channels: int) -> None:
    bank_array = array("gddr6_aim", channels)
    plan = GemvPlan(bank_array, score_gemv(bank_array, cache, 100, 1))
    assert 1 <= head_span(bank_array, cache) <= channels
    assert plan.rounds * plan.side_by_side >= cache.heads
    assert plan.side_by_side * plan.shape.span <= channels


@settings(max_examples=25)
@given(cache=caches, first=st.integers(0, 300), tokens=st.integers(1, 40))
def test_appending_writes_each_new_element_once_in_whole_bursts(cache: CacheShape, first: int, tokens: int) -> None:
    bank_array = array("gddr6_aim", 6)
    run = device("gddr6_aim").run_program(append_program(device("gddr6_aim").spec, bank_array, cache, first, tokens))
    assert run.write_bytes == append_bytes(bank_array, cache, first, tokens)
    assert run.write_bytes >= 2 * 2 * cache.heads * cache.head_dim * tokens


def test_one_token_costs_a_masked_write_for_each_element_of_its_value() -> None:
    bank_array = array("gddr6_aim", 4)
    cache = CacheShape(heads=4, head_dim=128)
    run = device("gddr6_aim").run_program(append_program(device("gddr6_aim").spec, bank_array, cache, 77, 1))
    key_bursts, value_writes = 128 // 16, 128
    assert run.commands["WR"] == 4 * (key_bursts + value_writes)


def test_a_tokens_value_touches_one_row_of_each_bank() -> None:
    bank_array = array("gddr6_aim", 4)
    plan = GemvPlan(bank_array, context_gemv(bank_array, CacheShape(heads=4, head_dim=128), 1000, 1))
    for tile in range(plan.tiles):
        assert len({plan.row(0, group, tile) for group in range(plan.groups)}) == 1


def test_shared_queries_open_the_rows_of_their_head_once() -> None:
    bank_array = array("hbm2_pim", 2, accumulators=64, addressing="free")
    cache = CacheShape(heads=2, head_dim=128)
    spec = device("hbm2_pim").spec

    def opened(queries: int) -> int:
        shape = score_gemv(bank_array, cache, 128, queries)
        chain = gemv_chain(spec, bank_array, shape, "row_stationary")
        return sum(device("hbm2_pim").run_program(p).commands["ACT4"] * n for p, n in chain.parts)

    assert opened(8) == opened(1)


@given(cache=caches, tokens=st.integers(1, 3000))
def test_the_cache_holds_all_its_elements(cache: CacheShape, tokens: int) -> None:
    bank_array = array("gddr6_aim", 6)
    room = cache_rows(bank_array, cache, tokens) * bank_array.row_elements * bank_array.banks * bank_array.channels
    assert room >= 2 * cache.heads * cache.head_dim * tokens


def test_a_key_longer_than_a_row_is_refused() -> None:
    with pytest.raises(MappingError, match="does not fit a row"):
        score_gemv(array("gddr6_aim", 2), CacheShape(heads=1, head_dim=2048), 10, 1)
