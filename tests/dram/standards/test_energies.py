"""Energies of commands against the formulas and constants that their sources give: a slip of the pen shows here."""

import pytest
from strategies import standard

from simulator.config.energy import resolve_energy
from simulator.config.idd_schema import CommandEnergy

BURST_BITS = 256

# CENT (ASPLOS 2025) artifact, cent_power_calculator.py: mW of a channel, ns, pJ/bit.
CENT_ACT_MW, CENT_RD_MW, CENT_WR_MW = 132.6 / 2, 876.3 / 2, 1106.3 / 2
CENT_RC_NS, CENT_BURST_NS, CENT_CCD_NS, CENT_DQ_PJ = 44.5, 1.25, 1.0, 5.5

# CMU-SAFARI HBM-Power, config/HBM2_1200MTs/power.json and HBM3E_6400MTs/power.json: mA of a pseudo-channel.
MEASURED_1200 = {"IDD0": 28.544, "IDD2N": 11.756, "IDD3N": 14.281, "IDD4R": 202.769, "IDD4W": 137.406, "IDD5B": 66.331}
AT_6400 = {"IDD0": 106.1, "IDD2N": 70.5, "IDD3N": 73.3, "IDD4R": 560.7, "IDD4W": 389.5, "IDD5B": 164.7}
ONE_OPEN = {1200: 12.394, 6400: 71.2}
"""IDD3N with one bank open, which its increments of reads, writes and refreshes count from."""
RANDOM = (3.1798 + 0.5 * (1.04 + 1.4875 + 1.41)) / 3.1798
"""What random data takes over static data (docs/explanation/data-pattern-model.md)."""


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


def currents(name: str) -> dict[str, float]:
    """mA of the first rail of a standard, by loop."""
    idd = standard(name).energy.idd
    assert idd is not None
    rail = next(iter(idd.rails.values()))
    return {loop: getattr(rail, f"{loop}_ma") for loop in AT_6400}


def test_hbm3_has_the_currents_of_its_source() -> None:
    expected = AT_6400 | {
        loop: ONE_OPEN[6400] + RANDOM * (AT_6400[loop] - ONE_OPEN[6400]) for loop in ("IDD4R", "IDD4W")
    }
    assert currents("hbm3_6.4g") == pytest.approx(expected, abs=0.06)


@pytest.mark.parametrize(
    ("name", "rate"), [("hbm2_2.0g", 2000), ("hbm2_pim", 2000), ("hbm2_2.4g_8gb", 2400), ("hbm2e_3.6g_16gb", 3600)]
)
def test_hbm2_currents_lie_on_the_lines_of_their_source(name: str, rate: int) -> None:
    """From the measured 1.2 Gb/s to 6.4 Gb/s, where HBM3E has 36 of 64 lanes, and 36 of 32 in standing by."""
    at = (rate - 1200) / 5200
    low, high, lanes = MEASURED_1200, AT_6400, 64 / 36
    standing = low["IDD2N"] + (high["IDD2N"] * 32 / 36 - low["IDD2N"]) * at
    one_open = standing + ONE_OPEN[1200] - low["IDD2N"]

    def burst(loop: str) -> float:
        first, last = low[loop] - ONE_OPEN[1200], (high[loop] - ONE_OPEN[6400]) * lanes
        return one_open + RANDOM * (first + (last - first) * at)

    expected = {
        "IDD0": standing + (low["IDD0"] - low["IDD2N"]) * (1 + 0.886 * at),
        "IDD2N": standing,
        "IDD3N": standing + low["IDD3N"] - low["IDD2N"],
        "IDD4R": burst("IDD4R"),
        "IDD4W": burst("IDD4W"),
        "IDD5B": one_open + (low["IDD5B"] - ONE_OPEN[1200]) * (1 + 0.541 * at),
    }
    assert currents(name) == pytest.approx(expected, abs=0.1)


@pytest.mark.parametrize("name", ["gddr6_aim", "hbm2_pim"])
def test_a_bank_computes_for_less_than_it_takes_to_bring_its_operand_out(name: str) -> None:
    # The reason for near-bank compute. One burst of each of 16 banks, against 16 reads over the pins.
    row = resolve_energy(standard(name)).commands
    mac, read = row["MACab"], row["RD"]
    assert mac.array_pj + mac.io_pj + mac.compute_pj < 16 * (read.array_pj + read.io_pj) / 4
