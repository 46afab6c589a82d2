"""Command logs as CSV: what is written is read back; what cannot be read is located."""

from __future__ import annotations

from pathlib import Path

import pytest
from strategies import STANDARDS, standard

from simulator.dram.checker import check_log_file
from simulator.dram.log import format_log, parse_log, read_log, write_log
from simulator.dram.reference import MemoryRequest, run_reference
from simulator.errors import TraceError

HEAD = ["# standard: gddr6_aim", "clk,command,bankgroup,bank,row,column"]


@pytest.mark.parametrize("name", STANDARDS)
def test_a_written_log_is_read_back_equal(name: str, tmp_path: Path) -> None:
    spec = standard(name)
    run = run_reference(spec, [MemoryRequest("RW"[i % 2], i % 7, i % 3, i) for i in range(20)])
    path = tmp_path / "some.cmd"
    write_log(spec, run.log, path)
    log = read_log(path)
    assert (log.standard, log.levels, log.commands) == (name, tuple(spec.organization.levels), run.log)
    assert check_log_file(spec, path) == []


def test_a_log_is_plain_lines_with_the_standard_first() -> None:
    run = run_reference(standard("gddr6_aim"), [MemoryRequest("R", 6, 3, 2)])
    assert list(format_log(standard("gddr6_aim"), run.log)) == [*HEAD, "1,ACT,1,2,3,-1", "37,RD,1,2,3,2"]


@pytest.mark.parametrize(
    ("lines", "place", "fragment"),
    [
        ([], "x.cmd:1:1", "a log begins with '# standard: NAME'"),
        (["clk,command"], "x.cmd:1:1", "a log begins with"),
        (HEAD[:1], "x.cmd:2:1", "the column names must be"),
        ([HEAD[0], "tick,command,bank,row,column"], "x.cmd:2:1", "the column names must be"),
        ([HEAD[0], "clk,command,row,column"], "x.cmd:2:1", "the column names must be"),
        ([*HEAD, "1,ACT,0,0,7"], "x.cmd:3:1", "5 fields, not 6"),
        ([*HEAD, "1,ACT,0,0,7,-1,9"], "x.cmd:3:1", "7 fields, not 6"),
        ([*HEAD, "1,ACT,0,0,7,-1", "", "one,ACT,0,0,7,-1"], "x.cmd:5:1", "'one' is not a whole number"),
        ([*HEAD, "1,ACT,0,zero,7,-1"], "x.cmd:3:9", "'zero' is not a whole number"),
        ([*HEAD, "1,ACT,0,0,7,1.5"], "x.cmd:3:13", "'1.5' is not a whole number"),
    ],
)
def test_a_malformed_log_is_located(lines: list[str], place: str, fragment: str) -> None:
    with pytest.raises(TraceError) as caught:
        parse_log(lines, "x.cmd")
    assert str(caught.value).startswith(f"{place}: ")
    assert fragment in str(caught.value)


def test_a_log_that_is_no_text_or_not_there_is_reported(tmp_path: Path) -> None:
    (tmp_path / "binary.cmd").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(TraceError, match=r"binary\.cmd:1:1: not UTF-8: byte 0xff"):
        read_log(tmp_path / "binary.cmd")
    with pytest.raises(TraceError, match="there is no such file"):
        read_log(tmp_path / "none.cmd")


def test_a_log_of_another_standard_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "some.cmd"
    path.write_text("\n".join(HEAD) + "\n")
    with pytest.raises(TraceError, match=r"some\.cmd:1:13: a log of 'gddr6_aim', not of gddr6_aim_ref"):
        check_log_file(standard("gddr6_aim_ref"), path)


def test_a_log_of_another_geometry_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "some.cmd"
    path.write_text("\n".join(["# standard: hbm2_2.0g", HEAD[1]]) + "\n")
    with pytest.raises(TraceError, match=r"hbm2_2\.0g has pseudochannel,bankgroup,bank"):
        check_log_file(standard("hbm2_2.0g"), path)
