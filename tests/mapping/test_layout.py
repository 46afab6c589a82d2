"""Rows for every tensor, and what is said when there are too few."""

import re
from dataclasses import replace

import pytest
from arrays import array
from hypothesis import given
from hypothesis import strategies as st

from simulator.errors import CapacityError
from simulator.mapping.layout import Cache, Demand, Store, Tensor, in_order

STORE = Store("memory", channels=4, banks=16, rows=400, row_bytes=2048)
NEAR_BANK = replace(STORE, array=array("gddr6_aim", 4))


def demand(batch: int = 1, tokens: int = 100, *, tiled: bool = False) -> Demand:
    tensors = (
        Tensor("embedding", 1000, 256, 512000, "memory", tiled=False),
        Tensor("up", 700, 256, 358400, "memory", tiled),
        Tensor("down", 256, 700, 358400, "memory", tiled),
    )
    return Demand(tensors, Cache(2, 4, 64, 16, "memory", tiled), batch, tokens)


@pytest.mark.parametrize("store", [STORE, NEAR_BANK])
def test_tensors_follow_each_other_without_gap_or_overlap(store: Store) -> None:
    wanted = demand(tiled=store.array is not None)
    layout = in_order(wanted, [store])
    row = 0
    for tensor in wanted.tensors:
        assert layout.first_row[tensor.name] == row
        row += tensor.rows(store)
    assert layout.first_row["kv_cache"] == row
    assert layout.needed_bytes == sum(wanted.rows(store)) * store.row_set_bytes
    assert layout.available_bytes == 4 * 16 * 400 * 2048


@given(n_bytes=st.integers(1, 10**9))
def test_interleaved_data_takes_the_fewest_rows_that_hold_it(n_bytes: int) -> None:
    rows = STORE.linear_rows(n_bytes)
    assert (rows - 1) * STORE.row_set_bytes < n_bytes <= rows * STORE.row_set_bytes


@pytest.mark.parametrize("store", [STORE, NEAR_BANK])
def test_what_is_said_to_fit_fits_and_no_more(store: Store) -> None:
    tiled = store.array is not None
    wanted = demand(batch=90, tokens=5000, tiled=tiled)
    with pytest.raises(CapacityError) as raised:
        in_order(wanted, [store])
    text = str(raised.value)
    assert "GiB more than its" in text
    batch = re.search(r"batch (\d+)", text)
    tokens = re.search(r"or (\d+) tokens", text)
    channels = re.search(r"or (\d+) channels", text)
    assert batch or tokens
    assert channels
    if batch:
        assert replace(wanted, batch=int(batch[1])).fits(store)
        assert not replace(wanted, batch=int(batch[1]) + 1).fits(store)
    if tokens:
        assert replace(wanted, tokens=int(tokens[1])).fits(store)
        assert not replace(wanted, tokens=int(tokens[1]) + 1).fits(store)
    assert wanted.fits(store.with_channels(int(channels[1])))
    assert not wanted.fits(store.with_channels(int(channels[1]) - 1))


def test_weights_alone_that_do_not_fit_leave_only_more_channels() -> None:
    huge = Tensor("huge", 10**5, 10**4, 2 * 10**9, "memory", tiled=False)
    wanted = Demand((huge,), Cache(1, 1, 64, 16, "memory", tiled=False), 1, 10)
    with pytest.raises(CapacityError, match=r"what would fit: \d+ channels$"):
        in_order(wanted, [STORE])


@pytest.mark.parametrize(("more", "proposed"), [(0, True), (1, False)])
def test_no_more_channels_are_proposed_than_a_platform_may_have(more: int, *, proposed: bool) -> None:
    n_bytes = STORE.with_channels(4096).row_set_bytes * (STORE.rows - 1) + more
    huge = Tensor("huge", 1, 1, n_bytes, "memory", tiled=False)
    wanted = Demand((huge,), Cache(1, 1, 64, 16, "memory", tiled=False), 1, 10)
    with pytest.raises(CapacityError) as raised:
        in_order(wanted, [replace(STORE, most=4096)])
    assert str(raised.value).endswith("what would fit: 4096 channels") == proposed
    assert ("what would fit" in str(raised.value)) == proposed
