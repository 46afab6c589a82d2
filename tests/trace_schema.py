"""What Perfetto's importer of JSON traces asks of a file: fields, types, order, and bars that nest in their row."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise
from typing import Any

FIELDS = {
    "M": {"ph", "name", "pid", "tid", "args"},
    "X": {"ph", "name", "cat", "pid", "tid", "ts", "dur"},
    "C": {"ph", "name", "pid", "tid", "ts", "args"},
    "i": {"ph", "name", "s", "pid", "tid", "ts"},
}


def checked(document: Any) -> list[dict[str, Any]]:
    """The events of a trace, all of which are well formed."""
    assert set(document) == {"displayTimeUnit", "traceEvents"}
    assert document["displayTimeUnit"] in {"ms", "ns"}
    events = list(document["traceEvents"])
    named = {(e["pid"], e["tid"]) for e in events if e["name"] == "thread_name"}
    groups = {e["pid"] for e in events if e["name"] == "process_name"}
    rows: dict[tuple[int, int], list[tuple[float, float]]] = defaultdict(list)
    for event in events:
        phase = event["ph"]
        assert set(event) - {"args"} == FIELDS[phase] - {"args"}, event
        assert event["pid"] in groups
        assert isinstance(event["name"], str)
        assert event["name"]
        if phase == "M":
            assert set(event["args"]) == {"name"}
            continue
        assert event["ts"] >= 0
        if phase == "C":
            assert all(isinstance(value, int | float) and value >= 0 for value in event["args"].values())
        if phase == "X":
            assert event["dur"] >= 0
            assert (event["pid"], event["tid"]) in named
            rows[event["pid"], event["tid"]].append((event["ts"], event["ts"] + event["dur"]))
    times = [event["ts"] for event in events if event["ph"] != "M"]
    assert times == sorted(times)
    for bars in rows.values():
        assert all(end <= start + 1e-6 for (_, end), (start, _) in pairwise(bars)), "bars of one row overlap"
    return events
