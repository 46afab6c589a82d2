"""The energy of shipped standards: complete, with a source for each number, and of a plausible order everywhere."""

from __future__ import annotations

import pytest
from shipped_standards import SHIPPED
from strategies import standard

from simulator.config.dram_schema import Dram
from simulator.config.energy import ResolvedEnergy, resolve_energy
from simulator.config.timing import clocks, resolve_dram

WITH_CURRENTS = tuple(name for name in SHIPPED if standard(name).energy.idd is not None)
PLAIN = tuple(name for name in SHIPPED if name not in ("gddr6_aim_ref", "gddr6_aim_cent"))
"""Without the compatibility specs, whose memory never sleeps."""

WITHOUT_PINS = "hb_dram"
"""Its way from the banks is a vertical bus, a component of its own."""


def energy(name: str) -> ResolvedEnergy:
    return resolve_energy(standard(name))


@pytest.mark.parametrize("name", WITH_CURRENTS)
def test_every_rail_and_the_interface_have_a_source(name: str) -> None:
    idd = standard(name).energy.idd
    assert idd is not None
    assert idd.source
    assert idd.interface.source
    assert all(rail.source for rail in idd.rails.values())


@pytest.mark.parametrize("name", PLAIN)
def test_states_of_low_power_lie_below_those_they_replace(name: str) -> None:
    found = energy(name)
    refresh_mw = 0.0
    if standard(name).controller.refresh != "none":
        interval_ns = clocks(standard(name))["nREFI"] * standard(name).tCK_ps * 1e-3
        refresh_mw = found.ranks * found.commands["REFab"].array_pj / interval_ns
    assert found.power_down_precharged_mw is not None
    assert found.power_down_active_mw is not None
    assert found.self_refresh_mw is not None
    assert 0 < found.power_down_precharged_mw < found.precharged_mw
    assert found.power_down_precharged_mw <= found.power_down_active_mw <= found.active_mw
    assert found.self_refresh_mw < found.precharged_mw + refresh_mw


@pytest.mark.parametrize("name", PLAIN)
def test_leaving_a_state_of_low_power_takes_its_time(name: str) -> None:
    spec = standard(name)
    timings = clocks(spec)
    refresh = max(timings.get("nRFC", 0), timings.get("nRFCab", 0))
    assert 5 <= timings["nXP"] * spec.tCK_ps * 1e-3 <= 12
    assert timings["nXS"] >= refresh - 1


@pytest.mark.parametrize("name", [name for name in PLAIN if not name.startswith(WITHOUT_PINS)])
def test_a_bit_costs_what_bits_of_dram_cost(name: str) -> None:
    """From 2 (LPDDR) to 10 pJ (DDR4 at its limits) for a row hit, and less for the row per bit of the row."""
    spec, found = standard(name), energy(name)
    for command in ("RD", "WR"):
        row = found.commands[command]
        assert 2.0 < (row.array_pj + row.io_pj) / (spec.organization.burst_bytes * 8) < 10.0, command
    opener = spec.commands["RD"].opener
    assert opener is not None
    assert 0.02 < found.commands[opener].array_pj / (spec.organization.row_bytes * 8) < 0.3


@pytest.mark.parametrize("name", WITH_CURRENTS)
def test_an_all_bank_refresh_draws_idd5b_and_a_bank_its_share(name: str) -> None:
    spec, found = standard(name), energy(name)
    idd = spec.energy.idd
    assert idd is not None
    refresh = next(c for n, c in resolve_dram(spec).commands.items() if n == "REFab")
    during_mw = idd.devices_per_rank * sum(rail.supply_v * rail.IDD5B_ma for rail in idd.rails.values())
    duration_ns = refresh.latency / spec.ticks_per_clock * spec.tCK_ps * 1e-3
    standing_mw = found.precharged_mw / found.ranks
    assert found.commands["REFab"].array_pj + standing_mw * duration_ns == pytest.approx(during_mw * duration_ns)
    if "REFpb" in spec.commands:
        assert found.commands["REFpb"].array_pj * found.banks_per_rank == pytest.approx(
            found.commands["REFab"].array_pj
        )


def with_share(spec: Dram, share: float) -> ResolvedEnergy:
    idd = spec.energy.idd
    assert idd is not None
    changed = spec.energy.model_copy(update={"idd": idd.model_copy(update={"open_bank_share": share})})
    return resolve_energy(spec.model_copy(update={"energy": changed}))


def test_ddr4_follows_the_published_formula() -> None:
    """V x mA x ns of Micron's TN-40-07 for the limits of the 8 Gb x8 part at 2400, eight devices and two rails."""
    row = energy("ddr4_2400_8gb_x8").commands["ACT"]
    assert row.array_pj == pytest.approx(8 * 1.2 * (48 * 56 - 43 * 39 - 34 * 17) * 0.833)
    read = energy("ddr4_2400_8gb_x8").commands["RD"]
    pins_pj = 512 * 1.2 * 1.2 / (34 + 48) * 0.5 / 2.4e9 * 1e12
    assert read.array_pj + read.io_pj == pytest.approx(8 * 1.2 * (135 - 43) * 4 * 0.833 + pins_pj)
    assert read.array_pj == pytest.approx(0.164 * 8 * 1.2 * 92 * 4 * 0.833)


def test_open_banks_share_what_idd3n_has_beyond_idd2n() -> None:
    spec = standard("ddr4_2400_8gb_x8")
    opened = 8 * 1.2 * (43 - 34)
    by_rank, by_bank = with_share(spec, 0.25), with_share(spec, 1.0)
    assert by_rank.rank_open_mw == pytest.approx(0.75 * opened)
    assert by_bank.rank_open_mw == 0
    assert by_bank.bank_open_mw == pytest.approx(opened / 16)
    for found in (by_rank, by_bank):
        assert found.active_mw == pytest.approx(found.precharged_mw + opened)
    assert by_rank.commands["ACT"].array_pj < by_bank.commands["ACT"].array_pj
    assert by_rank.commands["RD"] == by_bank.commands["RD"]
