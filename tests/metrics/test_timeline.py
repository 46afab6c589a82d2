"""The timeline is a valid Chrome trace in simulated microseconds."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from simulator.metrics.timeline import Timeline


@pytest.fixture
def timeline() -> Timeline:
    timeline = Timeline()
    timeline.op_started(2_000_000, "L00.qkv_proj", "qkv_proj", "near_bank")
    timeline.busy("memory", 2_000_000, 4_000_000, "L00.qkv_proj")
    timeline.op_finished(5_000_000, "L00.qkv_proj", "qkv_proj", "near_bank")
    timeline.token_done(5_000_000, 0)
    return timeline


def events(text: str) -> list[dict[str, Any]]:
    return list(json.loads(text)["traceEvents"])


def test_ops_busy_intervals_and_tokens_are_events_in_microseconds(timeline: Timeline) -> None:
    bars = {event["cat"]: (event["ts"], event["dur"]) for event in events(timeline.to_json()) if event["ph"] == "X"}
    marks = [(event["name"], event["ts"]) for event in events(timeline.to_json()) if event["ph"] == "i"]
    assert bars == {"qkv_proj": (2.0, 3.0), "busy": (2.0, 2.0)}
    assert marks == [("token 0", 5.0)]


def test_every_bar_lies_in_a_named_row(timeline: Timeline) -> None:
    found = events(timeline.to_json())
    rows = {(e["pid"], e["tid"]): e["args"]["name"] for e in found if e["name"] == "thread_name"}
    assert [rows[e["pid"], e["tid"]] for e in found if e["ph"] == "X"] == ["near_bank", "memory"]


def test_events_come_in_the_order_of_time(timeline: Timeline) -> None:
    timeline.busy("memory", 0, 1_000_000, "L00.attn_norm")
    found = [event for event in events(timeline.to_json()) if event["ph"] != "M"]
    assert [(event["ts"], event.get("dur")) for event in found] == [(0.0, 1.0), (2.0, 3.0), (2.0, 2.0), (5.0, None)]


def test_a_name_ending_in_gz_is_gzipped_and_the_bytes_do_not_depend_on_the_clock(
    timeline: Timeline, tmp_path: Path
) -> None:
    plain, packed, again = tmp_path / "t.json", tmp_path / "t.json.gz", tmp_path / "u.json.gz"
    for path in (plain, packed, again):
        timeline.write(path)
    assert gzip.decompress(packed.read_bytes()) == plain.read_bytes()
    assert packed.read_bytes() == again.read_bytes()
