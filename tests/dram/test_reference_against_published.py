"""The reference engine against command logs and closed forms of the published simulators: tick for tick."""

from __future__ import annotations

import csv
import json

import pytest
from aim_logs import published_log
from strategies import DATA, standard

from simulator.dram.reference import MemoryRequest, ProgramEntry, run_reference

AF_TABLE_ROW = 2**29
AIM_PROGRAMS = {
    "m_mac1": [ProgramEntry("MACab")],
    "m_mac64": [ProgramEntry("MACab", 64)],
    "m_mac64_same_row_twice": [ProgramEntry("MACab", 64), ProgramEntry("MACab", 64)],
    "m_mac1_3rows": [ProgramEntry("MACab", row=row) for row in range(3)],
    "m_gemv_min": [
        ProgramEntry("WRGB", 64),
        ProgramEntry("WRMACab"),
        ProgramEntry("MACab", 64),
        ProgramEntry("RDMACab"),
    ],
    "m_af_mac": [
        ProgramEntry("MACab", 4),
        ProgramEntry("AFab", 2, row=AF_TABLE_ROW),
        ProgramEntry("MACab", 4),
    ],
    "m_copy_bkgb8": [ProgramEntry("RDCP", 8, bank=2)],
    "m_copy_gbbk8": [ProgramEntry("WRCP", 8, bank=1)],
    "m_ewmul8_2rows": [ProgramEntry("EWMULab", 8, row=row) for row in range(2)],
    "m_wrabk_mac": [ProgramEntry("WRAab"), ProgramEntry("MACab", 4)],
    "m_macsbk_2banks": [
        ProgramEntry("MACpb", 4, bank=0),
        ProgramEntry("MACpb", 4, bank=1),
        ProgramEntry("MACpb", 4, bank=4),
        ProgramEntry("MACpb", 4, bank=0, row=1),
    ],
}


@pytest.mark.parametrize("name", AIM_PROGRAMS)
def test_near_bank_programs_issue_the_published_commands_at_the_published_ticks(name: str) -> None:
    run = run_reference(standard("gddr6_aim_ref"), program=AIM_PROGRAMS[name])
    assert list(run.log) == published_log(name)


def row_walk(count: int) -> list[MemoryRequest]:
    return [MemoryRequest("R", 0, i // 32, i % 32) for i in range(count)]


def row_conflicts(count: int) -> list[MemoryRequest]:
    return [MemoryRequest("R", 0, i) for i in range(count)]


def interleaved(levels: dict[str, int], count: int) -> list[MemoryRequest]:
    """Pseudo-channels, then bank groups, columns, banks and rows, each running faster than the next."""
    requests = []
    for i in range(count):
        place, rest = {}, i
        for level, size in (("pseudochannel", 2), ("bankgroup", 4), ("column", 32), ("bank", 4)):
            rest, place[level] = divmod(rest, size)
        bank = 0
        for level, size in levels.items():
            bank = bank * size + place.get(level, 0)
        requests.append(MemoryRequest("R", bank, rest, place["column"]))
    return requests


@pytest.mark.parametrize(
    ("name", "stream", "count", "refresh"),
    [
        ("hbm2_2.0g", "f_rowconflict_refresh_off", 170, "none"),
        ("hbm2_2.0g", "e2_pc_bg_interleave_refresh_on", 3000, "REFab"),
        ("hbm3_6.4g", "b_samebank_rowwalk_refresh_off", 500, "none"),
        ("hbm3_6.4g", "f_rowconflict_refresh_on", 600, "REFab"),
    ],
)
def test_memory_streams_issue_the_published_commands_at_the_published_ticks(
    name: str, stream: str, count: int, refresh: str
) -> None:
    spec = standard(name)
    streams = {"f": row_conflicts, "b": row_walk, "e": lambda n: interleaved(spec.organization.levels, n)}
    run = run_reference(spec, streams[stream[0]](count), refresh=refresh)
    with (DATA / "ramulator2" / f"ramulator2_{spec.standard}_{stream}.csv").open() as file:
        published = [(int(row[0]), row[1], tuple(map(int, row[2:-2]))) for row in list(csv.reader(file))[1:]]
    ours = [(entry.tick, entry.command, entry.address) for entry in run.log]
    common = min(len(ours), len(published)) - 40  # our stream is shorter than theirs, so its end differs
    assert common > 400
    assert ours[:common] == published[:common]


@pytest.mark.parametrize(("name", "row_period", "first_read"), [("hbm2_2.0g", 48, 31), ("hbm3_6.4g", 144, 108)])
def test_row_conflicts_take_one_row_cycle_each(name: str, row_period: int, first_read: int) -> None:
    count = 60
    run = run_reference(standard(name), row_conflicts(count), refresh="none")
    assert run.end_tick == 1 + (count - 1) * row_period + first_read


def test_refresh_commands_of_a_long_stream_are_as_many_as_published() -> None:
    source = json.loads((DATA / "ramulator2" / "hbm.json").read_text())["hbm2_2.0g"]
    published = source["streams"]["f_rowconflict"]["refresh_on"]
    run = run_reference(standard("hbm2_2.0g"), row_conflicts(2000))
    assert run.counts == published["commands"]
    assert run.end_tick == published["last_read_data_tick"]
