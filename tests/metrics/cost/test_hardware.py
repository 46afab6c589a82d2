"""Dies and parts against closed forms."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.config.cost_schema import Die, Machine, Part
from simulator.errors import ConfigError
from simulator.metrics.cost.hardware import die_usd, die_yield, dies_per_wafer, machine_usd, part_usd

MM2 = st.floats(1, 800)


def test_a_wafer_has_its_area_in_dies_less_those_at_the_edge() -> None:
    # 300 mm: 70,686 mm2; of 100 mm2 each, less 300 pi / sqrt(200).
    assert dies_per_wafer(100, 300) == pytest.approx(706.858 - 66.643, abs=1e-2)


@given(mm2=MM2, defects=st.floats(0.01, 1))
def test_larger_dies_and_more_defects_yield_less_and_many_clusters_are_poisson(mm2: float, defects: float) -> None:
    assert die_yield(mm2, defects, 3) >= die_yield(mm2 * 1.1, defects, 3)
    assert die_yield(mm2, defects, 3) >= die_yield(mm2, defects * 1.1, 3)
    assert die_yield(mm2, 0, 3) == 1
    assert die_yield(mm2, defects, 1e7) == pytest.approx(math.exp(-mm2 / 100 * defects), rel=1e-4)


def test_a_part_is_what_it_is_bought_for_and_its_die_package_and_share_of_the_design() -> None:
    die = Die(mm2=100, wafer_usd=6402.15, defects_per_cm2=0, source="test")
    assert die_usd(die, {}) == pytest.approx(10, rel=1e-4)
    part = Part(count=3, usd_each=5, die=die, package_usd=2, nre_usd=1000, volume=500, source="test")
    assert part_usd(part, {}) == pytest.approx(3 * (5 + 10 + 2 + 2), rel=1e-4)
    assert machine_usd(Machine(parts={"a": part, "b": part}), {}) == {"a": part_usd(part, {}), "b": part_usd(part, {})}


def test_a_die_may_be_the_silicon_of_a_component_and_has_to_fit_on_a_wafer() -> None:
    of_component = Die(component="matrix", wafer_usd=9000, defects_per_cm2=0.1, source="test")
    fixed = Die(mm2=80, wafer_usd=9000, defects_per_cm2=0.1, source="test")
    assert die_usd(of_component, {"matrix": 80.0}) == die_usd(fixed, {})
    with pytest.raises(ConfigError, match="known: matrx\\); nearest: 'matrx'"):
        die_usd(of_component, {"matrx": 80.0})
    with pytest.raises(ConfigError, match="does not fit on a wafer"):
        die_usd(of_component, {"matrix": 70000.0})
