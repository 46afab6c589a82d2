"""Request traces: addresses, fields and arrivals, and one located line for each fault."""

from __future__ import annotations

from pathlib import Path

import pytest
from strategies import standard

from simulator.dram.replay import read_requests, replay_requests
from simulator.errors import TraceError

SPEC = standard("hbm2_2.0g")
HBM3 = standard("hbm3_6.4g")


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "t.req"
    path.write_text(text)
    return path


def test_addresses_and_fields_name_the_same_burst(tmp_path: Path) -> None:
    found = read_requests(SPEC, write(tmp_path, "R 0x20\nW 64 # a comment\nR 0,1,0,0,0,0\n"))
    assert found.writes.tolist() == [False, True, False]
    by_field = read_requests(SPEC, write(tmp_path, "R 0,0,3,2,7,5\n"))
    assert (by_field.bank.tolist(), by_field.row.tolist(), by_field.column.tolist()) == ([14], [7], [5])


def test_arrivals_are_in_clocks(tmp_path: Path) -> None:
    assert read_requests(HBM3, write(tmp_path, "5 R 0\n7 R 32\nR 64\n")).arrival.tolist() == [10, 14, 14]


def test_a_lone_read_takes_the_unloaded_latency(tmp_path: Path) -> None:
    run = replay_requests(SPEC, write(tmp_path, "R 0\n"))
    n = SPEC.timings
    assert run.cycles == 1 + (n["nRCDRD"] + 1) + n["nCL"] + n["nBL"]  # ACT takes two clocks
    assert run.commands == {"ACT": 1, "RD": 1}
    assert run.row_hit_rate == 0


def test_row_hits_are_counted(tmp_path: Path) -> None:
    run = replay_requests(SPEC, write(tmp_path, "R 0,0,0,0,0,0\nR 0,0,0,0,0,1\nR 0,0,0,0,0,2\nR 0,0,0,0,0,3\n"))
    assert run.row_hit_rate == 0.75
    assert run.energy_j > 0


FAULTS = [
    ("X 0\n", "1:1", "'X' is not an arrival cycle or R or W"),
    ("R\n", "1:1", "a request is 'R ADDRESS'"),
    ("R 0 1\n", "1:1", "a request is 'R ADDRESS'"),
    ("R zero\n", "1:3", "'zero' is not an address"),
    ("\nR 0x40000000000\n", "2:3", "lies outside the channel"),
    ("R -1\n", "1:3", "lies outside the channel"),
    ("R 0,0,0\n", "1:3", "an address by field is ch,pseudochannel,bankgroup,bank,row,column: 6 numbers, found 3"),
    ("R 0,2,0,0,0,0\n", "1:3", "pseudochannel 2 is out of range (allowed: 0..1)"),
    ("R 0,0,0,0,x,0\n", "1:3", "'x' is not a row number"),
    ("-5 R 0\n", "1:1", "an arrival of -5 is before the start"),
    ("9 R 0\n3 R 0\n", "2:1", "before the request above it"),
]


@pytest.mark.parametrize(("text", "place", "message"), FAULTS)
def test_a_fault_has_its_place(tmp_path: Path, text: str, place: str, message: str) -> None:
    with pytest.raises(TraceError) as caught:
        read_requests(SPEC, write(tmp_path, text))
    assert f"t.req:{place}: " in str(caught.value)
    assert message in str(caught.value)
