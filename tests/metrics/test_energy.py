"""Energy is action counts times a price list, and every way of summing it agrees."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.errors import ConservationError
from simulator.metrics.energy import EnergyReport, EnergyRow, EnergyTally
from simulator.metrics.result import ENERGY_CLASSES, STATIC
from simulator.metrics.stage import Stage

TABLES = {"memory": {"ACT": {"dram_array": 1000.0}, "RD": {"dram_array": 300.0, "dram_io": 200.0}}}
NO_TIME = {"prefill": 0, "decode": 0}


def tally(*actions: tuple[str, int]) -> EnergyTally:
    energy = EnergyTally(Stage(name="decode"))
    for action, count in actions:
        energy.activity("memory", action, count, "qkv_proj")
    return energy


def test_energy_is_count_times_price() -> None:
    energy = tally(("ACT", 3), ("RD", 7)).report(TABLES, {}, NO_TIME).energy()
    assert energy.total == pytest.approx((3 * 1000 + 7 * 500) * 1e-12)
    spent = {"dram_array": (3 * 1000 + 7 * 300) * 1e-12, "dram_io": 7 * 200e-12}
    assert energy.by_class == pytest.approx(dict.fromkeys(ENERGY_CLASSES, 0.0) | spent)


def test_static_energy_is_power_times_the_time_of_each_stage() -> None:
    power_w = {"memory": {"static": 2.0}, "host": {"host": 10.0}}
    report = tally().report(TABLES, power_w, {"prefill": 10**12, "decode": 3 * 10**12})
    assert report.by_op_kind() == {"prefill": {STATIC: 12.0}, "decode": {STATIC: 36.0}}
    assert report.energy().by_component == {"host": 40.0, "memory": 8.0}


def test_a_sampled_step_counts_as_often_as_its_weight() -> None:
    energy = EnergyTally(Stage(name="decode", count=16))
    energy.activity("memory", "ACT", 2, "lm_head")
    assert energy.report(TABLES, {}, NO_TIME).total() == pytest.approx(32 * 1000e-12)


def test_an_action_without_a_price_is_an_error_not_free() -> None:
    with pytest.raises(ConservationError, match="memory: action 'WR' was counted but has no energy"):
        tally(("WR", 1)).report(TABLES, {}, NO_TIME)


def test_an_unknown_energy_class_is_an_error() -> None:
    with pytest.raises(ConservationError, match="'magic' is not an energy class"):
        tally(("ACT", 1)).report({"memory": {"ACT": {"magic": 1.0}}}, {}, NO_TIME)


ROWS = st.builds(
    EnergyRow,
    stage=st.sampled_from(("prefill", "decode")),
    op_kind=st.sampled_from(("qkv_proj", "softmax", STATIC)),
    component=st.sampled_from(("memory", "vector", "host")),
    energy_class=st.sampled_from(ENERGY_CLASSES),
    joules=st.floats(0, 1e3),
)


@given(st.lists(ROWS, max_size=40))
def test_components_classes_and_op_kinds_each_sum_to_the_total(rows: list[EnergyRow]) -> None:
    report = EnergyReport(tuple(rows))
    energy = report.energy()
    by_op_kind = [joules for parts in report.by_op_kind().values() for joules in parts.values()]
    for parts in (energy.by_component.values(), energy.by_class.values(), by_op_kind):
        assert math.isclose(sum(parts), sum(row.joules for row in rows), rel_tol=1e-9)
