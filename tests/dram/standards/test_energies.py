"""Energies of commands against the formulas and constants that their sources give: a slip of the pen shows here."""

import pytest
from strategies import standard

from simulator.config.dram_schema import CommandEnergy

BURST_BITS = 256

# CENT (ASPLOS 2025) artifact, cent_power_calculator.py: mW of a channel, ns, pJ/bit.
CENT_ACT_MW, CENT_RD_MW, CENT_WR_MW = 132.6 / 2, 876.3 / 2, 1106.3 / 2
CENT_RC_NS, CENT_BURST_NS, CENT_CCD_NS, CENT_DQ_PJ = 44.5, 1.25, 1.0, 5.5

# DRAMsim3, configs/HBM2_8Gb_x128.ini: V, mA; ns of hbm2_2.0g. A pseudo-channel is half of that device.
HBM2 = {"VDD": 1.2, "IDD0": 65, "IDD2N": 40, "IDD3N": 55, "IDD4R": 390, "IDD4W": 500, "IDD5AB": 250}
HBM2_RC, HBM2_RAS, HBM2_RP, HBM2_RFC, HBM2_BURST = 48, 34, 14, 350, 2
INTERFACE_PJ = 0.5 + 0.3
"""TSV and interposer, pJ/bit; FGDRAM (MICRO 2017) as tabled by AttAcc."""


def total(row: CommandEnergy) -> float:
    """Everything but the pins and what buffers take."""
    return row.array_pj + row.compute_pj


@pytest.mark.parametrize("name", ["gddr6_aim", "gddr6_aim_ref"])
def test_near_bank_gddr6_costs_what_cent_charges(name: str) -> None:
    row = standard(name).energy.commands
    read_pj, write_pj = CENT_RD_MW * CENT_BURST_NS, CENT_WR_MW * CENT_BURST_NS
    expected = {
        "ACT": CENT_ACT_MW * CENT_RC_NS,
        "ACT4": 4 * CENT_ACT_MW * CENT_RC_NS,
        "RD": read_pj,
        "WR": write_pj,
        "MACab": 3 * CENT_RD_MW * CENT_CCD_NS,
        "MACpb": 3 * CENT_RD_MW * CENT_CCD_NS / 16,
        "EWMULab": 3 * CENT_RD_MW * CENT_CCD_NS / 4,
        "AFab": 16 * read_pj,
        "RDCP": read_pj,
        "WRCP": write_pj,
        "WRAab": 16 * write_pj,
    }
    assert {command: total(row[command]) for command in expected} == pytest.approx(expected, rel=1e-6)
    on_pins = ("RD", "WR", "WRAab", "WRGB", "WRMACab", "RDMACab", "RDAFab")
    assert {row[command].io_pj for command in on_pins} == {CENT_DQ_PJ * BURST_BITS}


def test_hbm2_costs_what_its_currents_say() -> None:
    v, i0, i2n, i3n, i4r, i4w, i5 = HBM2.values()
    row = standard("hbm2_2.0g").energy.commands
    interface = INTERFACE_PJ * BURST_BITS
    assert row["ACT"].array_pj == pytest.approx(v * (i0 * HBM2_RC - i3n * HBM2_RAS - i2n * HBM2_RP) / 2)
    read, write = row["RD"], row["WR"]
    assert read.array_pj + read.io_pj - interface == pytest.approx(v * (i4r - i3n) * HBM2_BURST / 2)
    assert write.array_pj + write.io_pj - interface == pytest.approx(v * (i4w - i3n) * HBM2_BURST / 2, rel=1e-3)
    assert row["REFab"].array_pj == pytest.approx(v * (i5 - i3n) * HBM2_RFC / 2)
    energy = standard("hbm2_2.0g").energy
    assert (energy.background_active_mw, energy.background_precharged_mw) == pytest.approx((v * i3n, v * i2n))


@pytest.mark.parametrize("name", ["gddr6_aim", "hbm2_pim"])
def test_a_bank_computes_for_less_than_it_takes_to_bring_its_operand_out(name: str) -> None:
    # The reason for near-bank compute. One burst of each of 16 banks, against 16 reads over the pins.
    row = standard(name).energy.commands
    mac, read = row["MACab"], row["RD"]
    assert mac.array_pj + mac.io_pj + mac.compute_pj < 16 * (read.array_pj + read.io_pj) / 4
