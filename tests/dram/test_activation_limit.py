"""Limits on simultaneous activation: the window of each policy, kept by the engine and seen by the checker."""

import numpy as np
import pytest
from strategies import standard

from simulator.config.dram_schema import Dram
from simulator.config.timing import resolve_dram
from simulator.dram.activation_limit import ChargePump, NoWindows, StandardWindows, assumption, limited
from simulator.dram.checker import check_log
from simulator.dram.device import Device, RequestList
from simulator.dram.replay import logged
from simulator.errors import ConfigError

HBM3 = standard("hbm3_6.4g")
AIM = standard("gddr6_aim")


def pump(activations: int, window_ns: float, level: str = "channel") -> ChargePump:
    return ChargePump(policy="charge_pump", activations=activations, window_ns=window_ns, level=level, source="test")


def row_misses(spec: Dram, count: int = 64) -> tuple[list[int], list[str]]:
    """(ticks of activations, violations) of reads that each open a row of the next bank."""
    banks = np.arange(count, dtype=np.int64) % 16
    rows = np.arange(count, dtype=np.int64) // 16
    requests = RequestList(np.zeros(count, dtype=np.bool_), banks, rows, np.zeros(count, dtype=np.int64))
    run = Device(spec.model_copy(update={"controller": spec.controller.model_copy(update={"refresh": "none"})}))
    done = run.run_requests(requests, log=True)
    assert done.issued is not None
    log = logged(spec, done.issued, 0)
    return [entry.tick for entry in log if entry.command == "ACT"], check_log(spec, log)


@pytest.mark.parametrize(("activations", "window_ns"), [(1, 60.0), (2, 100.0), (4, 150.0), (8, 200.0)])
def test_any_activations_beyond_the_budget_span_the_window(activations: int, window_ns: float) -> None:
    spec = limited(HBM3, pump(activations, window_ns), "limit")
    ticks, violations = row_misses(spec)
    spans = [late - early for early, late in zip(ticks, ticks[activations:], strict=False)]
    gap = -(-window_ns * 1000 // 625) * 2
    assert min(spans) == gap
    assert violations == []


def test_the_checker_sees_a_log_that_ignores_the_budget() -> None:
    free, _ = limited(HBM3, NoWindows(policy="unlimited"), "limit"), None
    ticks, _ = row_misses(free)
    assert ticks
    run = Device(free.model_copy(update={"controller": free.controller.model_copy(update={"refresh": "none"})}))
    banks = np.arange(16, dtype=np.int64)
    zeros = np.zeros(16, dtype=np.int64)
    done = run.run_requests(RequestList(np.zeros(16, dtype=np.bool_), banks, zeros, zeros), log=True)
    assert done.issued is not None
    tight = limited(HBM3, pump(2, 100.0), "limit")
    assert check_log(tight, logged(free, done.issued, 0))


def test_the_standard_policy_changes_nothing_and_is_no_assumption() -> None:
    policy = StandardWindows(policy="standard")
    assert limited(HBM3, policy, "limit") is HBM3
    assert assumption(policy) is None


def test_without_a_limit_only_windows_go_and_the_result_says_so() -> None:
    policy = NoWindows(policy="unlimited")
    spec = limited(HBM3, policy, "limit")
    assert [row for row in HBM3.constraints if row.window == 1] == list(spec.constraints)
    assert "upper bound" in (assumption(policy) or "")


def test_an_all_bank_command_weighs_as_many_rows_as_it_opens() -> None:
    opening = {name: c.activations for name, c in resolve_dram(AIM).commands.items() if c.opens}
    most = max(opening.values())
    assert most > 1
    spec = limited(AIM, pump(most, 100.0), "limit")
    assert spec.constraints[-1].window == most
    assert set(spec.constraints[-1].from_) == set(opening)
    with pytest.raises(ConfigError, match=f"opens {most} rows at once, {most - 1} are allowed") as caught:
        limited(AIM, pump(most - 1, 100.0), "components.memory.activation_limit")
    assert caught.value.key == "components.memory.activation_limit.activations"


def test_a_level_that_is_not_there_is_told() -> None:
    with pytest.raises(ConfigError, match="'die' is no level of") as caught:
        limited(HBM3, pump(4, 10.0, "die"), "limit")
    assert caught.value.key == "limit.level"
