"""The timeline is a valid Chrome trace in simulated microseconds."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from simulator.hooks import IssuedCommand
from simulator.metrics.timeline import Timeline
from tests.trace_schema import checked


@pytest.fixture
def timeline() -> Timeline:
    timeline = Timeline((3_000_000, 4_000_000))
    timeline.run_started({"memory": {"RD": {"dram_array": 5e6, "dram_io": 1e6}}}, {"memory": {"static": 2.0}})
    timeline.op_started(2_000_000, "L00.qkv_proj", "qkv_proj", "near_bank")
    timeline.busy("memory", 2_000_000, 4_000_000, "L00.qkv_proj")
    timeline.transfer(2_000_000, 3_500_000, "cells_to_io", 640, "memory")
    timeline.busy("memory", 2_000_000, 4_000_000, "L00.qkv_proj")
    timeline.activity("memory", "RD", 3, "qkv_proj")
    timeline.activity("memory", "RD", 1, "static")
    timeline.op_finished(5_000_000, "L00.qkv_proj", "qkv_proj", "near_bank")
    timeline.token_done(5_000_000, 0)
    return timeline


def written(timeline: Timeline, tmp_path: Path) -> list[dict[str, Any]]:
    timeline.write(tmp_path / "t.json")
    return checked(json.loads((tmp_path / "t.json").read_text()))


def rows(events: list[dict[str, Any]]) -> list[tuple[str, str, float, float]]:
    """(row, name, start, length) of the bars."""
    names = {(e["pid"], e["tid"]): e["args"]["name"] for e in events if e["name"] == "thread_name"}
    return [(names[e["pid"], e["tid"]], e["name"], e["ts"], e["dur"]) for e in events if e["ph"] == "X"]


def test_ops_busy_intervals_and_transfers_are_bars_and_those_that_overlap_lie_beside_each_other(
    timeline: Timeline, tmp_path: Path
) -> None:
    events = written(timeline, tmp_path)
    assert rows(events) == [
        ("near_bank", "L00.qkv_proj", 2.0, 3.0),
        ("memory", "L00.qkv_proj", 2.0, 2.0),
        ("memory (2)", "L00.qkv_proj", 2.0, 2.0),
        ("memory: cells_to_io", "640 bytes", 2.0, 1.5),
    ]
    assert [(event["name"], event["ts"]) for event in events if event["ph"] == "i"] == [("token 0", 5.0)]


def test_power_is_spread_over_the_work_and_over_the_step(timeline: Timeline, tmp_path: Path) -> None:
    counters = [e for e in written(timeline, tmp_path) if e["ph"] == "C"]
    # 2 W always, 6 uJ over the 5 us of the step, 18 uJ over the 2 us of the op.
    for name in ("power memory", "power total"):
        found = [(e["ts"], round(e["args"]["W"], 9)) for e in counters if e["name"] == name]
        assert found == [(0.0, 3.2), (2.0, 12.2), (4.0, 3.2), (5.0, 0.0)]


def test_only_commands_of_work_within_the_window_are_asked_for(timeline: Timeline, tmp_path: Path) -> None:
    asked: list[tuple[int, int]] = []

    def commands(from_ps: int, until_ps: int) -> list[IssuedCommand]:
        asked.append((from_ps, until_ps))
        return [IssuedCommand(3_200_000, 1000, "ACT", "rank 0, bank 2", 7, -1)]

    timeline.issued("memory", 0, 3_000_000, commands)
    timeline.issued("memory", 3_100_000, 5_000_000, commands)
    timeline.issued("memory", 4_000_000, 5_000_000, commands)
    assert asked == [(3_000_000, 4_000_000)]
    found = [row for row in rows(written(timeline, tmp_path)) if "channel" in row[0]]
    assert found == [("memory channel 0: rank 0, bank 2", "ACT", 3.2, 0.001)]


def test_a_name_ending_in_gz_is_gzipped_and_the_bytes_do_not_depend_on_the_clock(tmp_path: Path) -> None:
    plain, packed, again = tmp_path / "t.json", tmp_path / "t.json.gz", tmp_path / "u.json.gz"
    for path in (plain, packed, again):
        timeline = Timeline()
        timeline.busy("memory", 0, 5, "op")
        timeline.write(path)
    assert gzip.decompress(packed.read_bytes()) == plain.read_bytes()
    assert packed.read_bytes() == again.read_bytes()
