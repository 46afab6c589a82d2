"""The compiled engine equals the SimPy reference engine, command for command, and the checker passes both."""

from __future__ import annotations

from functools import cache

import pytest
from engines import assert_engines_agree
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import (
    CONTENTIONS,
    GANGS_ACROSS,
    NEAR_BANK_STANDARDS,
    PAGE_POLICIES,
    SCHEDULERS,
    STANDARDS,
    programs,
    refresh_policies,
    request_lists,
    standard,
    with_policy,
)

from simulator.config.paths import list_names
from simulator.dram.device import Device

EXAMPLES = 150
"""For each of five standards, and for three near-bank ones twice more: 1650 streams."""

EXAMPLES_ELSEWHERE = 20


@cache
def device(name: str, page_policy: str, refresh: str, scheduler: str, contention: str) -> Device:
    changes = {"page_policy": page_policy, "refresh": refresh, "scheduler": scheduler, "contention": contention}
    return Device(with_policy(standard(name), **changes))


@pytest.mark.parametrize("name", STANDARDS)
@settings(max_examples=EXAMPLES)
@given(data=st.data())
def test_memory_streams_agree(name: str, data: st.DataObject) -> None:
    spec = standard(name)
    found = device(
        name, data.draw(PAGE_POLICIES), data.draw(refresh_policies(spec)), data.draw(SCHEDULERS), data.draw(CONTENTIONS)
    )
    assert_engines_agree(found, data.draw(request_lists(spec)), [])


@pytest.mark.parametrize("name", sorted(set(list_names("drams")) - set(STANDARDS)))
@settings(max_examples=EXAMPLES_ELSEWHERE)
@given(data=st.data())
def test_memory_streams_agree_on_every_other_standard(name: str, data: st.DataObject) -> None:
    spec = standard(name)
    found = device(
        name, data.draw(PAGE_POLICIES), data.draw(refresh_policies(spec)), data.draw(SCHEDULERS), data.draw(CONTENTIONS)
    )
    assert_engines_agree(found, data.draw(request_lists(spec)), [])


@pytest.mark.parametrize("name", NEAR_BANK_STANDARDS)
@settings(max_examples=EXAMPLES)
@given(data=st.data())
def test_near_bank_programs_agree(name: str, data: st.DataObject) -> None:
    spec = standard(name)
    found = device(name, "open", data.draw(refresh_policies(spec)), "FRFCFS", data.draw(CONTENTIONS))
    assert_engines_agree(found, [], data.draw(programs(spec)))


@settings(max_examples=EXAMPLES_ELSEWHERE)
@given(data=st.data())
def test_commands_that_reach_across_agree(data: st.DataObject) -> None:
    spec = standard(GANGS_ACROSS)
    found = device(
        GANGS_ACROSS, data.draw(PAGE_POLICIES), data.draw(refresh_policies(spec)), "FRFCFS", data.draw(CONTENTIONS)
    )
    assert_engines_agree(found, data.draw(request_lists(spec, 30)), data.draw(programs(spec, 6)))


@pytest.mark.parametrize("name", NEAR_BANK_STANDARDS)
@settings(max_examples=EXAMPLES)
@given(data=st.data())
def test_both_together_agree(name: str, data: st.DataObject) -> None:
    spec = standard(name)
    found = device(name, data.draw(PAGE_POLICIES), data.draw(refresh_policies(spec)), "FRFCFS", data.draw(CONTENTIONS))
    assert_engines_agree(found, data.draw(request_lists(spec, 30)), data.draw(programs(spec, 6)))
