"""Controller policies: the compiled engine equals the SimPy reference engine, and the checker passes what they do."""

from __future__ import annotations

from functools import lru_cache

import pytest
from engines import assert_engines_agree
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import refresh_policies, request_lists, standard, with_controller

from simulator.dram.device import Device

EXAMPLES = 60
QUEUED = ("ddr4_3200_8gb_x8", "hbm2_2.0g", "gddr6_14g_8gb", "ddr5_4800_16gb_x8", "hbm3_6.4g")


@lru_cache(maxsize=256)
def device(name: str, changes: tuple[tuple[str, object], ...]) -> Device:
    return Device(with_controller(standard(name), **dict(changes)))


@st.composite
def command_queue_policies(draw: st.DrawFn) -> dict[str, object]:
    return {
        "scheduler": draw(st.sampled_from(("BANK_QUEUES", "RANK_QUEUES"))),
        "command_queue": draw(st.sampled_from((1, 3, 8))),
        "row_hit_cap": draw(st.sampled_from((None, 1, 4))),
        "forwarding": draw(st.booleans()),
        "page_policy": draw(st.sampled_from(("open", "closed"))),
        "read_queue": draw(st.sampled_from((2, 32))),
        "write_queue": draw(st.sampled_from((2, 16))),
        "refresh_order": draw(st.sampled_from(("together", "staggered"))),
    }


@pytest.mark.parametrize("name", QUEUED)
@settings(max_examples=EXAMPLES)
@given(data=st.data())
def test_command_queues_agree(name: str, data: st.DataObject) -> None:
    spec = standard(name)
    policy = data.draw(command_queue_policies()) | {"refresh": data.draw(refresh_policies(spec))}
    assert_engines_agree(device(name, tuple(policy.items())), data.draw(request_lists(spec)), [])
