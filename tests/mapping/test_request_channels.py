"""Attention of whole requests in single channels: who goes where, and what their programs hold."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.config.dram_schema import Dram
from simulator.config.loader import build, load_document
from simulator.errors import MappingError
from simulator.mapping.request_channels import (
    RequestAttention,
    assignments,
    channel_array,
    comp_bytes,
    load_estimate,
    loaded_bytes,
    min_load,
    request_program,
    round_robin,
)

DRAM = build(load_document("dram/hbm2_neupims", expected_kind="dram"), Dram)
ARRAY = channel_array(DRAM, 2, fused=True)
ONE = np.ones(1, dtype=np.bool_)

works = st.builds(
    RequestAttention,
    scores=st.booleans(),
    heads=st.integers(1, 8),
    head_dim=st.sampled_from((64, 80, 128)),
    queries=st.integers(1, 3),
    context=st.integers(1, 1200),
)


def counted(work: RequestAttention, *, fused: bool) -> dict[str, int]:
    program = request_program(DRAM, channel_array(DRAM, 2, fused=fused), work, ONE)
    names = list(DRAM.commands)
    found: dict[str, int] = {}
    for command, count, *_ in program.requests.tolist():
        found[names[command]] = found.get(names[command], 0) + count
    return found


def peak(loads: list[int], chosen: tuple[int, ...], channels: int) -> int:
    return max(sum(load for load, at in zip(loads, chosen, strict=True) if at == c) for c in range(channels))


@given(st.lists(st.integers(1, 1000), min_size=1, max_size=60), st.integers(1, 16))
def test_the_least_loaded_channel_keeps_within_the_bound_of_list_scheduling(loads: list[int], channels: int) -> None:
    chosen = min_load(loads, channels)
    best = max(*loads, -(-sum(loads) // channels))
    assert best <= peak(loads, chosen, channels) <= -(-sum(loads) // channels) + max(loads)
    assert len(chosen) == len(loads)
    assert set(chosen) <= set(range(channels))


def test_uneven_requests_are_better_off_by_load_than_in_turn() -> None:
    loads = [900, 10, 10, 10, 900, 10, 10, 10]
    turns, by_load = (peak(loads, assignment(loads, 4), 4) for assignment in (round_robin, min_load))
    assert (turns, by_load) == (1800, 900)


def test_the_policies_are_registered_by_name() -> None:
    assert set(assignments.names()) == {"round_robin", "min_load"}


@given(works)
def test_every_operand_meets_its_multiplier_and_every_product_is_read(work: RequestAttention) -> None:
    fused, single = counted(work, fused=True), counted(work, fused=False)
    operands = 2 * work.heads * work.head_dim * work.context * work.queries
    assert comp_bytes(ARRAY, work) >= operands
    assert single["COMP"] * ARRAY.comp_bytes == comp_bytes(channel_array(DRAM, 2, fused=False), work)
    by_name = {int(name.rsplit("_", 1)[1]): n for name, n in fused.items() if name.startswith("COMPS")}
    assert sum(comps * n for comps, n in by_name.items()) * ARRAY.comp_bytes == comp_bytes(ARRAY, work)
    assert sum(by_name.values()) == single["READRES"]
    assert fused["GWRITE"] == fused["P_HEADER"] == loaded_bytes(ARRAY, work) // ARRAY.row_bytes


def test_the_commands_of_a_request_follow_closed_forms() -> None:
    keys = RequestAttention(scores=True, heads=8, head_dim=128, queries=1, context=300)
    assert counted(keys, fused=True) == {"P_HEADER": 2, "GWRITE": 2, "COMPS_READRES_8": 10 * 8}
    assert load_estimate(ARRAY, keys) == 2 * 10, "four heads a row, 32 tokens a tile"
    values = RequestAttention(scores=False, heads=8, head_dim=128, queries=1, context=600)
    assert counted(values, fused=True) == {
        "P_HEADER": 16, "GWRITE": 16, "COMPS_READRES_32": 8 * 4, "COMPS_READRES_6": 8 * 4,
    }  # fmt: skip


def test_a_memory_without_the_commands_is_refused() -> None:
    plain = build(load_document("dram/hbm2_2.0g", expected_kind="dram"), Dram)
    with pytest.raises(MappingError, match=r"hbm2_2.0g has no near-bank units for whole requests"):
        channel_array(plain, 2, fused=True)


def test_a_key_that_fills_more_than_a_row_is_refused() -> None:
    with pytest.raises(MappingError, match="a key of 1024 elements"):
        comp_bytes(ARRAY, RequestAttention(scores=True, heads=1, head_dim=1024, queries=1, context=1))
