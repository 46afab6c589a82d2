"""Timeline: the run as a Chrome trace, to be opened in Perfetto (ui.perfetto.dev) or chrome://tracing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from simulator.hooks import CommandsWithin, Instrument, IssuedCommand, Prices
from simulator.metrics.power_track import PowerTrack
from simulator.metrics.result import STATIC
from simulator.metrics.trace_events import Bar, TraceEvents

OPS_PID, BUSY_PID, TRANSFERS_PID, POWER_PID, COMMANDS_PID = range(1, 6)
PROCESSES = {
    OPS_PID: "ops",
    BUSY_PID: "components busy",
    TRANSFERS_PID: "transfers",
    POWER_PID: "power",
    COMMANDS_PID: "DRAM commands",
}

Window = tuple[int, int]
"""(from, until) in ps."""


class Timeline(Instrument):
    """Records ops on their units, busy intervals of each component, transfers by hop, power and token marks.

    ``window``: the time of which the DRAM commands of each memory's first channel are recorded, by bank.
    """

    def __init__(self, window: Window | None = None) -> None:
        self._window = window
        self._events = TraceEvents({pid: name for pid, name in PROCESSES.items() if window or pid != COMMANDS_PID})
        self._power = PowerTrack()
        self._started: dict[str, int] = {}
        self._end_ps = 0

    def run_started(self, prices: Prices, static_power_w: Mapping[str, Mapping[str, float]]) -> None:
        """What the power is made of."""
        self._power.begin(prices, static_power_w)

    def op_started(self, time_ps: int, op_name: str, op_kind: str, unit: str) -> None:
        """Remember the start; the event is written when the op ends."""
        del op_kind, unit
        self._started[op_name] = time_ps

    def op_finished(self, time_ps: int, op_name: str, op_kind: str, unit: str) -> None:
        """One bar in the unit's row."""
        self._events.bar(OPS_PID, unit, Bar(self._started.pop(op_name), time_ps, op_name, op_kind, {}))

    def busy(self, component: str, start_ps: int, end_ps: int, what: str) -> None:
        """One bar in the component's row."""
        self._power.works(component, start_ps, end_ps)
        self._events.bar(BUSY_PID, component, Bar(start_ps, end_ps, what, "busy", {}))

    def transfer(self, start_ps: int, end_ps: int, hop: str, n_bytes: int, component: str) -> None:
        """One bar in the row of the component's hop."""
        self._power.works(component, start_ps, end_ps)
        bar = Bar(start_ps, end_ps, f"{n_bytes} bytes", "transfer", {"bytes": n_bytes})
        self._events.bar(TRANSFERS_PID, f"{component}: {hop}", bar)

    def activity(self, component: str, action: str, count: int, op_kind: str) -> None:
        """Its energy is part of the power."""
        self._power.act(component, action, count, of_op=op_kind != STATIC)

    def issued(self, component: str, start_ps: int, end_ps: int, commands: CommandsWithin) -> None:
        """The commands within the window."""
        if self._window and start_ps < self._window[1] and end_ps > self._window[0]:
            add_commands(self._events, component, commands(*self._window))

    def part_done(self, time_ps: int) -> None:
        """The power of the part is known."""
        self._step_ends(time_ps)

    def token_done(self, time_ps: int, index: int) -> None:
        """A mark over all rows."""
        self._step_ends(time_ps)
        self._events.mark(OPS_PID, time_ps, f"token {index}")

    def _step_ends(self, time_ps: int) -> None:
        self._power.step_ends(time_ps)
        self._end_ps = max(self._end_ps, time_ps)

    def write(self, path: Path) -> None:
        """Write the trace, gzipped if the name ends in ``.gz``. Once, at the end of the run."""
        for component, changes in self._power.power_w(self._end_ps):
            for time_ps, watts in changes:
                self._events.counter(POWER_PID, time_ps, f"power {component}", "W", watts)
        self._events.write(path)


def command_timeline(memory: str, commands: Iterable[IssuedCommand]) -> TraceEvents:
    """A trace of commands alone."""
    events = TraceEvents({COMMANDS_PID: PROCESSES[COMMANDS_PID]})
    add_commands(events, memory, commands)
    return events


def add_commands(events: TraceEvents, memory: str, commands: Iterable[IssuedCommand]) -> None:
    """A row for each bank (or group of banks that commands address together) of ``memory``'s first channel."""
    for command in commands:
        args = {key: value for key, value in (("row", command.row), ("column", command.column)) if value >= 0}
        bar = Bar(command.time_ps, command.time_ps + command.took_ps, command.name, "command", args)
        events.bar(COMMANDS_PID, f"{memory} channel 0: {command.bank}", bar)
