"""Each shipped standard: valid, complete, equal to its source, tight at each gate, and as fast as its pins."""

from __future__ import annotations

import csv
import json
from itertools import product

import numpy as np
import pytest
from shipped_standards import SHIPPED, spread_banks
from strategies import DATA, STANDARDS, standard, with_policy

from simulator.cli.suites.dram_shipped import of_main_source
from simulator.config.energy import resolve_energy
from simulator.config.timing import resolve_dram
from simulator.dram.checker_table import read_rules
from simulator.dram.device import Device, RequestList


def test_the_standards_of_the_differential_tests_are_shipped() -> None:
    assert set(STANDARDS) <= set(SHIPPED)


@pytest.mark.parametrize("name", SHIPPED)
def test_every_command_that_moves_data_or_rows_has_an_energy_with_a_source(name: str) -> None:
    spec = standard(name)
    never_issued = {"REFpb", "PRE4"} | ({"REFab"} if spec.controller.refresh == "none" else set())
    energy = resolve_energy(spec)
    for command, row in spec.commands.items():
        if command in never_issued:
            continue
        if row.data != "none" or row.internal_bytes or row.opens or row.refreshes:
            assert energy.commands[command].source, command


@pytest.mark.parametrize("name", SHIPPED)
def test_background_power_rises_with_an_open_bank(name: str) -> None:
    energy = resolve_energy(standard(name))
    assert energy.active_mw > energy.precharged_mw > 0


def test_gddr6_aim_ref_has_exactly_the_gaps_of_the_published_simulator() -> None:
    resolved = resolve_dram(standard("gddr6_aim_ref"))
    native = {row.alias or name: name for name, row in standard("gddr6_aim_ref").commands.items()}
    with (DATA / "aim" / "timing_constraints.csv").open() as file:
        published = {
            (row["level"], native[row["preceding"]], native[row["following"]]): int(row["min_gap_cycles"])
            for row in csv.DictReader(file)
            if row["following"] not in ("SYNC", "EOC")
        }
    ours = [
        ((resolved.levels[row.level], before, after), row.gap(before, after))
        for row in resolved.constraints
        for before in row.from_
        for after in row.to
    ]
    assert len(published) == 337
    assert len(ours) == len(dict(ours))
    assert dict(ours) == published


def test_gddr6_aim_ref_drains_writes_at_the_published_thresholds() -> None:
    controller = standard("gddr6_aim_ref").controller
    size, drain = controller.write_queue, controller.write_drain
    assert [writes > drain.high * size for writes in (25, 26)] == [False, True]
    assert [writes < drain.low * size for writes in (6, 7)] == [True, False]


@pytest.mark.parametrize("name", ["hbm2_2.0g", "hbm3_6.4g"])
def test_hbm_has_exactly_the_constraints_and_command_lengths_of_its_source(name: str) -> None:
    resolved = resolve_dram(of_main_source(standard(name)))
    source = json.loads((DATA / "ramulator2" / "hbm.json").read_text())[name]
    scale = source["tick_multiplier"]
    published = {
        (level, before, after, clocks * scale, window, sibling)
        for level, befores, afters, clocks, window, sibling in source["constraints_clocks"]
        for before in befores
        for after in afters
    }
    ours = {
        (resolved.levels[row.level], before, after, row.base_gap, row.window, row.sibling)
        for row in resolved.constraints
        for before in row.from_
        for after in row.to
    }
    assert ours == published
    assert {name: row.bus_ticks for name, row in resolved.commands.items()} == source["command_cycles_ticks"]
    assert resolved.commands["RD"].latency == source["read_latency_ticks"]


@pytest.mark.parametrize("kind", ["RD", "WR"])
@pytest.mark.parametrize("name", SHIPPED)
def test_row_hits_over_bank_groups_run_at_the_rate_of_the_pins(name: str, kind: str) -> None:
    spec = with_policy(standard(name), refresh="none")
    banks = spread_banks(spec)
    i = np.arange(600)
    served = np.array(banks)[i % len(banks)]
    columns = i // len(banks) % (spec.organization.row_bytes // spec.organization.burst_bytes)
    run = Device(spec).run_requests(RequestList(i < (kind == "WR") * len(i), served, i * 0, columns), log=True)
    assert run.issued is not None
    times = run.issued.tick[run.issued.command == list(spec.commands).index(kind)]
    assert len(times) == len(i)
    steady = times[-400:]
    seconds = float(steady[-1] - steady[0]) * spec.tCK_ps * 1e-12 / spec.ticks_per_clock
    gb_s = (len(steady) - 1) * spec.organization.burst_bytes / seconds / 1e9
    peak_gb_s = spec.organization.data_pins * spec.organization.data_rate_mbps / 8e3
    assert gb_s == pytest.approx(peak_gb_s, rel=0.01)


@pytest.mark.parametrize("name", [name for name in SHIPPED if "AiM" not in standard(name).standard])
def test_refreshes_of_one_rank_are_held_apart(name: str) -> None:
    """No refresh may begin while the same bank is still in another."""
    spec = standard(name)
    rules = read_rules(spec)
    refreshing = [command for command, row in spec.commands.items() if row.refreshes]
    latency = {command: resolve_dram(spec).commands[command].latency for command in refreshing}
    for before, after in product(refreshing, repeat=2):
        gaps = [gap.ticks for gap in rules.gaps_to[after] if gap.before == before and not gap.sibling]
        assert max(gaps, default=0) >= latency[before], (before, after)


ROWS, READS, WRITES = ("PREpb", "PREab"), ("RD", "RDA"), ("WR", "WRA")
REFRESHES = ("REFab", "REFpb", "REFsb", "RFMab", "RFMpb")
HELD_APART = {
    "ACT": ("ACT", *ROWS, *READS, *WRITES, *REFRESHES),
    "PREpb": ("ACT", *REFRESHES),
    "PREab": ("ACT", *REFRESHES),
    "RD": (*ROWS, *READS, *WRITES),
    "RDA": ("ACT", *READS, *WRITES, *REFRESHES),
    "WR": (*ROWS, *READS, *WRITES),
    "WRA": ("ACT", *READS, *WRITES, *REFRESHES),
    **dict.fromkeys(REFRESHES, ("ACT", *REFRESHES)),
}
"""Every standard of JEDEC holds these apart on one bank."""


@pytest.mark.parametrize("name", [name for name in SHIPPED if "AiM" not in standard(name).standard])
def test_no_pair_of_commands_on_a_bank_is_without_its_gap(name: str) -> None:
    spec = standard(name)
    rules = read_rules(spec)
    found = {(gap.before, after) for after in spec.commands for gap in rules.gaps_to[after] if not gap.sibling}
    names = {"ACT": spec.commands["RD"].opener or ""}
    pairs = {(names.get(a, a), names.get(b, b)) for a, others in HELD_APART.items() for b in others}
    assert {pair for pair in pairs if set(pair) <= set(spec.commands)} - found == set()
