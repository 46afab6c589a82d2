"""Trace events: bars in named rows, counters and marks of the Chrome trace format, which Perfetto reads."""

from __future__ import annotations

import gzip
import json
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

PS_PER_US, PS_PER_NS, NS_PER_US = 10**6, 1000, 1000

Args = Mapping[str, str | int | float]


class Bar(NamedTuple):
    """What went on in a row for a time."""

    start_ps: int
    end_ps: int
    name: str
    category: str
    args: Args


class TraceEvents:
    """A trace that grows. ``processes``: the groups of rows by number, in the order in which they are shown.

    Times in the file are microseconds of simulated time, as the format asks for, rounded to whole nanoseconds: Perfetto
    keeps no less, and drops bars that would overlap by its own rounding.
    """

    def __init__(self, processes: Mapping[int, str]) -> None:
        self._processes = processes
        self._rows: dict[tuple[int, str], list[Bar]] = defaultdict(list)
        self._others: list[dict[str, Any]] = []

    def bar(self, pid: int, row: str, bar: Bar) -> None:
        """Add a bar to a row of a group."""
        self._rows[pid, row].append(bar)

    def mark(self, pid: int, time_ps: int, name: str) -> None:
        """A mark over all rows."""
        self._others.append({"ph": "i", "s": "g", "name": name, "ts": time_ps / PS_PER_US, "pid": pid, "tid": 0})

    def counter(self, pid: int, time_ps: int, name: str, unit: str, value: float) -> None:
        """``name`` has ``value`` from ``time_ps`` on."""
        self._others.append(
            {"ph": "C", "name": name, "ts": time_ps / PS_PER_US, "pid": pid, "tid": 0, "args": {unit: value}}
        )

    def to_json(self) -> str:
        """The trace as one JSON document: names first, then events by time, of equal ones the longer first.

        What begins in the same nanosecond stands in the order of its picoseconds.
        """
        named: list[dict[str, Any]] = [_name("process", pid, 0, name) for pid, name in self._processes.items()]
        timed = [(event["ts"], event["ts"] * PS_PER_US, 0, event) for event in self._others]
        tid = 0
        for (pid, row), content in self._rows.items():
            for number, lane in enumerate(_lanes(content)):
                tid += 1
                named.append(_name("thread", pid, tid, f"{row} ({number + 1})" if number else row))
                drawn = ((_bar(pid, tid, bar), bar) for bar in lane)
                timed += [(event["ts"], bar.start_ps, bar.start_ps - bar.end_ps, event) for event, bar in drawn]
        events = [event for *_, event in sorted(timed, key=lambda item: item[:3])]
        return json.dumps({"displayTimeUnit": "ns", "traceEvents": [*named, *events]}) + "\n"

    def write(self, path: Path) -> None:
        """Write the trace, gzipped if the name ends in ``.gz``."""
        data = self.to_json().encode()
        if path.suffix == ".gz":
            data = gzip.compress(data, mtime=0)
        path.write_bytes(data)


def _name(what: str, pid: int, tid: int, name: str) -> dict[str, Any]:
    return {"ph": "M", "name": f"{what}_name", "pid": pid, "tid": tid, "args": {"name": name}}


def _bar(pid: int, tid: int, bar: Bar) -> dict[str, Any]:
    start_ns, end_ns = _nearest_ns(bar.start_ps), _nearest_ns(bar.end_ps)
    event = {
        "ph": "X",
        "name": bar.name,
        "cat": bar.category,
        "pid": pid,
        "tid": tid,
        "ts": start_ns / NS_PER_US,
        "dur": (end_ns - start_ns) / NS_PER_US,
    }
    return event | ({"args": dict(bar.args)} if bar.args else {})


def _nearest_ns(time_ps: int) -> int:
    return (time_ps + PS_PER_NS // 2) // PS_PER_NS


def _lanes(bars: list[Bar]) -> list[list[Bar]]:
    """Bars that overlap beside each other: in one row, the format takes bars only one after the other or nested."""
    lanes: list[list[Bar]] = []
    for bar in sorted(bars, key=lambda bar: (bar.start_ps, bar.end_ps)):
        free = next((lane for lane in lanes if lane[-1].end_ps <= bar.start_ps), None)
        if free is None:
            lanes.append(free := [])
        free.append(bar)
    return lanes
