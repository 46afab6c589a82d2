"""Energy blocks that cannot be: each fault is one line at its key."""

from __future__ import annotations

import pytest
from config_samples import DRAM, Write

from simulator.config.dram_schema import Dram
from simulator.config.energy import resolve_energy
from simulator.config.loader import build, load_document
from simulator.errors import ConfigError

RAIL = (
    "{supply_v: 1.2, IDD0_ma: 48, IDD2N_ma: 34, IDD3N_ma: 43, IDD4R_ma: 135, IDD4W_ma: 123, IDD5B_ma: 250,"
    " IDD2P_ma: 25, IDD3P_ma: 37, IDD6_ma: 30}"
)
IDD = f"""\
energy:
  source: measured
  idd:
    devices_per_rank: 8
    rails:
      VDD: {RAIL}
    array_share: 0.2
    interface: {{pj_per_bit: 1.0, source: measured}}
    source: measured
"""
TIMINGS = "  nRCD: 14\n  nRC: 48\n  nBL: 2\n"
SAMPLE = DRAM[: DRAM.index("energy:")].replace("  nRCD: 14\n", TIMINGS) + IDD


def spec(write: Write, text: str) -> Dram:
    write("sample.yaml", text)
    return build(load_document("./sample.yaml"), Dram)


def test_currents_stand_in_for_all_energies(write: Write) -> None:
    found = resolve_energy(spec(write, SAMPLE))
    assert found.commands["ACT"].array_pj == pytest.approx(8 * 1.2 * (48 * 48 - 43 * 34 - 34 * 14))
    assert found.precharged_mw == pytest.approx(8 * 1.2 * 34)
    assert found.self_refresh_mw == pytest.approx(8 * 1.2 * 30)


def test_a_stated_command_has_precedence(write: Write) -> None:
    found = resolve_energy(spec(write, SAMPLE + "  commands:\n    RD: {array_pj: 7.0, source: measured}\n"))
    assert (found.commands["RD"].array_pj, found.commands["RD"].io_pj) == (7.0, 0.0)
    assert found.commands["WR"].array_pj > 7.0


def test_two_rails_add_up(write: Write) -> None:
    one = resolve_energy(spec(write, SAMPLE))
    two = resolve_energy(spec(write, SAMPLE.replace("    array_share", f"      VPP: {RAIL}\n    array_share")))
    assert two.precharged_mw == pytest.approx(2 * one.precharged_mw)
    assert two.commands["ACT"].array_pj == pytest.approx(2 * one.commands["ACT"].array_pj)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("IDD0_ma: 48", "IDD0_ma: 35", "energy.idd.rails: an activation (IDD0) would take -"),
        ("IDD4R_ma: 135", "IDD4R_ma: 42", "energy.idd.rails: a read (IDD4R) would take -"),
        ("IDD5B_ma: 250", "IDD5B_ma: 30", "energy.idd.rails: a refresh (IDD5B) would take -"),
        ("IDD3N_ma: 43", "IDD3N_ma: 33", "energy.idd.rails: standing by with a bank open would take -"),
        ("  nRC: 48\n", "", "energy.idd: currents need the timing 'nRC'"),
        ("pj_per_bit: 1.0, ", "supply_v: 1.2, ", "energy.idd.interface: an interface needs pj_per_bit, or supply_v"),
        ("  source: measured\n", "  source: measured\n  self_refresh_mw: 1.0\n", "'self_refresh_mw' follows from idd"),
        (IDD, "energy: {source: measured, background_active_mw: 2.0}\n", "'background_precharged_mw' is missing"),
        (IDD, "energy: {source: measured}\n", "'background_active_mw' is missing (or give the currents: 'idd')"),
        (
            IDD,
            "energy: {source: measured, background_active_mw: 1.0, background_precharged_mw: 2.0}\n",
            "energy.background_active_mw: lies below background_precharged_mw",
        ),
        (
            "  data_rate_mbps: 2000\n",
            "  data_rate_mbps: 2000\n  package: {kind: die, channels: 2, dies: 1, die_gbit: 1}\n",
            "organization.package: impossible geometry: 2 channels hold 0.00390625 Gb, 1 dies of 1 Gb hold 1 Gb",
        ),
    ],
)
def test_an_impossible_energy_is_one_line(write: Write, old: str, new: str, said: str) -> None:
    assert old in SAMPLE
    with pytest.raises(ConfigError) as caught:
        spec(write, SAMPLE.replace(old, new, 1))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
