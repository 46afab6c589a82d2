"""A memory without work powers down and refreshes itself, when its standard's controller is told to."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from parts import components, platform, product, wired

from simulator.hooks import Instrument
from simulator.system.builder import System
from simulator.units.memory import POWER_DOWN, SELF_REFRESH, Memory

GAP_PS = 50_000_000
BYTES = 1 << 20


class Actions(Instrument):
    """How often each action was told."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def activity(self, component: str, action: str, count: int, op_kind: str) -> None:
        self.counts[action] += count


def memory(idle: dict[str, int], actions: Actions) -> tuple[System, Memory]:
    """The memory of a shipped platform with an idle policy."""
    found = components("hbm3_npu")["memory"]
    dram = dict(found["dram"])
    dram["controller"] = dict(dram["controller"]) | {"idle": idle}
    system = wired("hbm3_npu", {"memory": {"dram": dram}}, instruments=[actions])
    part = system.components["memory"]
    assert isinstance(part, Memory)
    return system, part


def two_streams(idle: dict[str, int], gap_ps: int = GAP_PS) -> tuple[int, int, Counter[str], Memory]:
    """(ps from the end of the first stream to the start of the second, its length, actions, the memory)."""
    actions = Actions()
    system, part = memory(idle, actions)
    first = part.stream(BYTES, product(1, 1))
    system.env.run(until=first.end_ps + gap_ps)
    second = part.stream(BYTES, product(1, 1))
    return second.start_ps - first.end_ps, second.end_ps - second.start_ps, actions.counts, part


def ticks_ps(part: Memory) -> float:
    return part.spec.dram.tCK_ps / part.spec.dram.ticks_per_clock


def test_without_a_policy_nothing_changes() -> None:
    gap, _, counts, part = two_streams({})
    assert gap == pytest.approx(GAP_PS, abs=2 * ticks_ps(part))
    assert POWER_DOWN not in counts
    assert SELF_REFRESH not in counts


def test_power_down_covers_the_gap_but_for_refreshes() -> None:
    gap, _, counts, part = two_streams({"power_down_after_ps": 1_000_000})
    assert gap - GAP_PS == pytest.approx(8_000, abs=2 * ticks_ps(part))
    down_ps = counts[POWER_DOWN] * ticks_ps(part) / part.spec.channels
    refreshes = GAP_PS // 3_900_000
    awake_ps = 1_000_000 + refreshes * (350_000 + 8_000 + 1_000_000)
    assert down_ps == pytest.approx(GAP_PS - awake_ps, abs=2 * 1_400_000)
    assert SELF_REFRESH not in counts


def test_self_refresh_replaces_the_controllers_refreshes_and_wakes_slower() -> None:
    gap, _, counts, part = two_streams({"self_refresh_after_ps": 10_000_000})
    assert gap - GAP_PS == pytest.approx(358_000, abs=2 * ticks_ps(part))
    asleep_ps = counts[SELF_REFRESH] * ticks_ps(part) / part.spec.channels
    assert asleep_ps == pytest.approx(GAP_PS - 10_000_000, abs=100_000)
    saved = (two_streams({})[2]["REFab"] - counts["REFab"]) / part.spec.channels / part.engine.ranks
    assert saved == pytest.approx(asleep_ps / 3_900_000, abs=1)


@pytest.mark.parametrize("idle", [{"power_down_after_ps": 1_000_000}, {"self_refresh_after_ps": 10_000_000}])
def test_telling_in_between_changes_no_total(idle: dict[str, int]) -> None:
    actions = Actions()
    system, part = memory(idle, actions)
    first = part.stream(BYTES, product(1, 1))
    for share in (1, 5, 17, 33):
        system.env.run(until=first.end_ps + GAP_PS * share // 40)
        part.settle()
    system.env.run(until=first.end_ps + GAP_PS)
    part.stream(BYTES, product(1, 1))
    assert actions.counts == two_streams(idle)[2]


def test_a_gap_shorter_than_the_threshold_costs_nothing() -> None:
    idle = {"power_down_after_ps": 1_000_000, "self_refresh_after_ps": 2_000_000}
    assert two_streams(idle, 900_000)[:3] == two_streams({}, 900_000)[:3]


def test_work_that_follows_at_once_never_finds_the_memory_asleep() -> None:
    actions = Actions()
    _, part = memory({"power_down_after_ps": 0}, actions)
    first = part.stream(BYTES, product(1, 1))
    second = part.stream(BYTES, product(1, 1))
    assert second.start_ps <= first.end_ps + 100_000
    assert POWER_DOWN not in actions.counts


@pytest.mark.parametrize("idle", [{"power_down_after_ps": 100_000}, {"self_refresh_after_ps": 100_000}])
def test_an_idle_memory_draws_less_with_a_policy(idle: dict[str, int]) -> None:
    def energy_pj(policy: dict[str, int]) -> float:
        gap, length, counts, part = two_streams(policy)
        table: Any = part.energy_table()
        dynamic = sum(count * sum(table[action].values()) for action, count in counts.items())
        static_w = sum(part.static_power_w().values())
        return float(dynamic + static_w * (gap + 2 * length))

    assert energy_pj(idle) < 0.9 * energy_pj({})


@pytest.mark.parametrize(
    ("idle", "said"),
    [
        ({"power_down_after_ps": 2000, "self_refresh_after_ps": 1000}, "self-refresh lies before power-down"),
        ({"power_down_after_ps": -1}, "greater than or equal to 0"),
    ],
)
def test_a_policy_that_cannot_be_is_refused(idle: dict[str, int], said: str) -> None:
    from simulator.config.faults import faults

    found = components("hbm3_npu")
    dram = dict(found["memory"]["dram"])
    dram["controller"] = dict(dram["controller"]) | {"idle": idle}
    try:
        messages = [fault.message for fault in faults(platform(found | {"memory": found["memory"] | {"dram": dram}}))]
    except ValueError as error:
        messages = [str(error)]
    assert any(said in message for message in messages)
