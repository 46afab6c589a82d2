"""Speed bins and densities of each family: enough of them, and their numbers fit together."""

from __future__ import annotations

from collections import defaultdict
from functools import cache
from math import prod
from textwrap import wrap
from typing import Literal

import pytest
from shipped_standards import SHIPPED, pseudochannels
from strategies import standard

from simulator.config.dram_schema import Dram
from simulator.config.energy import resolve_energy
from simulator.config.timing import clocks
from simulator.dram.device import Device, Stream

FAMILY = {"HBM2E": "HBM2", "HBM3E": "HBM3", "LPDDR5X": "LPDDR5"}
FAMILIES = ("DDR4", "DDR5", "LPDDR5", "GDDR6", "GDDR7", "HBM2", "HBM3", "HBM4")
BASES = {
    "DDR4": "ddr4_2400_8gb_x8",
    "DDR5": "ddr5_4800_16gb_x8",
    "LPDDR5": "lpddr5_6400_16gb_x16",
    "GDDR6": "gddr6_14g_8gb",
    "GDDR7": "gddr7_28g_16gb",
    "HBM2": "hbm2_2.0g",
    "HBM3": "hbm3_6.4g",
    "HBM4": "hbm4_8.0g_32gb",
}
ROW_TIMES = ("nRCD", "nRCDRD", "nRCDWR", "nRP", "nRAS", "nRC", "nWR")
"""Times of the cell array, which a faster interface does not shorten."""


def family(spec: Dram) -> str:
    return FAMILY.get(spec.standard, spec.standard)


BINS = tuple(name for name in SHIPPED if family(standard(name)) in FAMILIES)


def capacity_bytes(spec: Dram) -> int:
    organization = spec.organization
    return prod(organization.levels.values()) * organization.rows * organization.row_bytes


@pytest.mark.parametrize("wanted", FAMILIES)
def test_each_family_has_two_speed_bins_and_two_densities(wanted: str) -> None:
    rates, capacities = defaultdict(set), defaultdict(set)
    for name in BINS:
        spec = standard(name)
        rates[family(spec)].add(spec.organization.data_rate_mbps)
        capacities[family(spec)].add(capacity_bytes(spec))
    assert len(rates[wanted]) >= 2
    assert len(capacities[wanted]) >= 2


@pytest.mark.parametrize("name", SHIPPED)
def test_a_burst_takes_its_clocks_at_the_rate_of_the_pins(name: str) -> None:
    spec = standard(name)
    organization = spec.organization
    beats = organization.burst_bytes * 8 * pseudochannels(spec) / organization.data_pins
    burst_ps = beats / organization.data_rate_mbps * 1e6
    assert clocks(spec)["nBL"] * spec.tCK_ps == pytest.approx(burst_ps, rel=0.01)


@pytest.mark.parametrize("name", BINS)
def test_a_bin_keeps_the_row_times_of_its_family(name: str) -> None:
    spec = standard(name)
    base = standard(BASES[family(spec)])
    ours, theirs = clocks(spec), clocks(base)
    shared = [timing for timing in ROW_TIMES if timing in theirs]
    assert len(shared) >= 5
    for timing in shared:
        expected_ps = theirs[timing] * base.tCK_ps
        tolerance_ps = max(0.1 * expected_ps, base.tCK_ps + spec.tCK_ps)  # grades of one rate differ by a tenth
        assert abs(ours[timing] * spec.tCK_ps - expected_ps) <= tolerance_ps, timing


@pytest.mark.parametrize("name", BINS)
def test_refresh_times_are_those_of_dram(name: str) -> None:
    spec = standard(name)
    timings = clocks(spec)
    interval_us = timings["nREFI"] * spec.tCK_ps * 1e-6
    refresh_ns = timings.get("nRFC", timings.get("nRFCab", 0)) * spec.tCK_ps * 1e-3
    assert min(abs(interval_us - due) for due in (1.9, 3.9, 7.8)) < 0.01 * interval_us
    assert 100 < refresh_ns < 600
    assert refresh_ns < 0.15 * interval_us * 1000


@pytest.mark.parametrize("name", BINS)
def test_a_denser_device_refreshes_no_faster(name: str) -> None:
    spec = standard(name)
    for other in map(standard, BINS):
        same = (other.standard, other.organization.data_rate_mbps) == (spec.standard, spec.organization.data_rate_mbps)
        if same and capacity_bytes(other) > capacity_bytes(spec):
            assert clocks(other).get("nRFC", 0) >= clocks(spec).get("nRFC", 0)
            assert resolve_energy(other).commands["REFab"].array_pj > resolve_energy(spec).commands["REFab"].array_pj


@pytest.mark.parametrize("name", SHIPPED)
def test_the_channels_of_a_package_hold_what_its_dies_hold(name: str) -> None:
    spec = standard(name)
    package = spec.organization.package
    assert package is not None
    assert package.channels * capacity_bytes(spec) * 8 == package.dies * package.die_gbit * 2**30


@pytest.mark.parametrize("name", [name for name in BINS if standard(name).standard == "DDR5"])
def test_a_ddr5_module_has_two_sub_channels(name: str) -> None:
    organization = standard(name).organization
    assert organization.package is not None
    assert (organization.package.kind, organization.package.channels, organization.data_pins) == ("module", 2, 32)


@cache
def streaming_gb_s(name: str, kind: Literal["R", "W"]) -> float:
    """Rate of a stream over all bank groups and many rows, refreshes included."""
    spec = standard(name)
    fields = wrap(spec.controller.address_mapping, 2)
    fastest = [field for field in ("Co", "Bg" if "Bg" in fields else "Ba", "Pc", "Ch") if field in fields]
    mapping = "".join([field for field in fields if field not in fastest] + fastest)
    controller = spec.controller.model_copy(update={"address_mapping": mapping})
    device = Device(spec.model_copy(update={"controller": controller}))
    n_bursts = 40_000
    run = device.run_streams([Stream(kind, 0, n_bursts, 1)], remember=False)
    seconds = run.end_tick * spec.tCK_ps / spec.ticks_per_clock * 1e-12
    return n_bursts * spec.organization.burst_bytes / seconds / 1e9


@pytest.mark.parametrize("kind", ["R", "W"])
@pytest.mark.parametrize("name", BINS)
def test_a_faster_bin_streams_no_slower(name: str, kind: Literal["R", "W"]) -> None:
    spec = standard(name)
    for other in BINS:
        found = standard(other)
        same = (family(found), found.organization.package) == (family(spec), spec.organization.package)
        if same and found.organization.data_rate_mbps > spec.organization.data_rate_mbps:
            assert streaming_gb_s(other, kind) >= 0.99 * streaming_gb_s(name, kind), other
