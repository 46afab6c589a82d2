"""Timeline: the run as a Chrome trace, to be opened in Perfetto (ui.perfetto.dev) or chrome://tracing."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

from simulator.hooks import Instrument

PS_PER_US = 10**6
OPS_PID = 1
BUSY_PID = 2


class Timeline(Instrument):
    """Records ops on their units, busy intervals of each component, and token marks.

    Times in the file are microseconds of simulated time, as the trace format asks for.
    """

    def __init__(self) -> None:
        self._events: list[dict[str, Any]] = []
        self._started: dict[str, int] = {}
        self._threads: dict[tuple[int, str], int] = {}

    def op_started(self, time_ps: int, op_name: str, op_kind: str, unit: str) -> None:
        """Remember the start; the event is written when the op ends."""
        del op_kind, unit
        self._started[op_name] = time_ps

    def op_finished(self, time_ps: int, op_name: str, op_kind: str, unit: str) -> None:
        """One bar in the unit's row."""
        self._bar(OPS_PID, unit, self._started.pop(op_name), time_ps, op_name, op_kind)

    def busy(self, component: str, start_ps: int, end_ps: int, what: str) -> None:
        """One bar in the component's row."""
        self._bar(BUSY_PID, component, start_ps, end_ps, what, "busy")

    def token_done(self, time_ps: int, index: int) -> None:
        """A mark over all rows."""
        self._events.append(
            {"ph": "i", "s": "g", "name": f"token {index}", "ts": time_ps / PS_PER_US, "pid": OPS_PID, "tid": 0}
        )

    def _bar(self, pid: int, row: str, start_ps: int, end_ps: int, name: str, category: str) -> None:  # noqa: PLR0913
        tid = self._threads.setdefault((pid, row), len(self._threads) + 1)
        self._events.append(
            {
                "ph": "X",
                "name": name,
                "cat": category,
                "pid": pid,
                "tid": tid,
                "ts": start_ps / PS_PER_US,
                "dur": (end_ps - start_ps) / PS_PER_US,
            }
        )

    def _names(self) -> list[dict[str, Any]]:
        processes = [(OPS_PID, "ops"), (BUSY_PID, "components busy")]
        named: list[dict[str, Any]] = [
            {"ph": "M", "name": "process_name", "pid": pid, "args": {"name": name}} for pid, name in processes
        ]
        for (pid, row), tid in self._threads.items():
            named.append({"ph": "M", "name": "thread_name", "pid": pid, "tid": tid, "args": {"name": row}})
        return named

    def to_json(self) -> str:
        """The trace as one JSON document: names first, then events by time, of equal ones the longer first."""
        events = sorted(self._events, key=lambda event: (event["ts"], -event.get("dur", 0)))
        return json.dumps({"displayTimeUnit": "ns", "traceEvents": [*self._names(), *events]}) + "\n"

    def write(self, path: Path) -> None:
        """Write the trace, gzipped if the name ends in ``.gz``."""
        data = self.to_json().encode()
        if path.suffix == ".gz":
            data = gzip.compress(data, mtime=0)
        path.write_bytes(data)
