"""What commands say of banks: rows, accesses and refresh against a bank that is followed picosecond by picosecond."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.hooks import ALL_BANKS, IssuedCommand
from simulator.report.bank_activity import BINS, channel_of, short

ROLES = {
    "ACT": {"kind": "activate", "banks": 1, "closes": False, "data": False},
    "RD": {"kind": "column access", "banks": 1, "closes": False, "data": True},
    "RDA": {"kind": "column access", "banks": 1, "closes": True, "data": True},
    "MACab": {"kind": "column access", "banks": 4, "closes": False, "data": False},
    "PREab": {"kind": "precharge", "banks": 4, "closes": True, "data": False},
    "REFab": {"kind": "refresh", "banks": 4, "closes": False, "data": False},
}
LEVELS = {"bankgroup": 2, "bank": 2}
TICK, REFRESH_PS = 1000, 5000


def part() -> dict[str, Any]:
    # A burst of 32 bytes on 16 pins at 16 Gb/s takes 1 ns.
    organization = {"levels": LEVELS, "burst_bytes": 32, "data_pins": 16, "data_rate_mbps": 16000}
    return {"dram": {"organization": organization, "roles": ROLES, "refresh": {"time_ps": REFRESH_PS}}}


def placed(name: str, bank: int) -> str:
    return f"bankgroup {bank // 2}, bank {bank % 2}" if ROLES[name]["banks"] == 1 else ALL_BANKS


@given(st.lists(st.tuples(st.sampled_from(sorted(ROLES)), st.integers(0, 3)), min_size=1, max_size=60))
def test_every_bank_is_what_following_it_shows(told: list[tuple[str, int]]) -> None:
    commands = [
        IssuedCommand(7000 + TICK * n, TICK, name, placed(name, bank), -1, -1) for n, (name, bank) in enumerate(told)
    ]
    found = channel_of(commands, part())
    bins, span = found.bins, found.bins.width_ps * BINS
    assert span >= TICK * len(told)
    assert sum(found.command_bus) * bins.width_ps == pytest.approx(TICK * len(told), rel=1e-2)
    bursts = sum(ROLES[c.name]["data"] for c in commands)
    if bins.width_ps * bursts and max(found.data_bus) < 1:
        assert sum(found.data_bus) * bins.width_ps == pytest.approx(1000 * bursts)
    alone = {bank for name, bank in told if ROLES[name]["banks"] == 1}
    assert [bank.name for bank in found.banks] == [f"BG{b // 2} BA{b % 2}" for b in sorted(alone or range(4))]
    for bank, number in zip(found.banks, sorted(alone or range(4)), strict=True):
        own = [c for c in commands if c.bank in (ALL_BANKS, placed("ACT", number))]
        assert sum(bank.accesses) == sum(ROLES[c.name]["kind"] == "column access" for c in own)
        open_ps, opened = 0, None
        for c in own:
            if c.name == "ACT" and opened is None:
                opened = c.time_ps
            elif c.name in ("RDA", "PREab", "REFab") and opened is not None:
                open_ps, opened = open_ps + c.time_ps - opened, None
        open_ps += bins.last_ps - opened if opened is not None else 0
        assert sum(bank.row_open) * bins.width_ps == pytest.approx(open_ps, abs=1e-3 * span)


def test_names_are_jedecs_and_levels_of_one_node_are_left_out() -> None:
    levels = {"pseudochannel": 2, "sid": 1, "bankgroup": 4, "bank": 4}
    assert short("pseudochannel 1, sid 0, bankgroup 2, bank 3", levels) == "PC1 BG2 BA3"
    assert short("half 0, bank 1", {"half": 2, "bank": 2}) == "half0 BA1"
