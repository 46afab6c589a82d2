"""The channels of one DRAM standard as the system uses them: programs and streams at any time, equal work done once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from simulator.config.dram_schema import Dram
from simulator.config.timing import resolve_dram
from simulator.dram.address import AddressMapping
from simulator.dram.engines import EngineName, device_engine
from simulator.dram.program import HostProgram
from simulator.dram.runs import DeviceRun, RequestList
from simulator.mapping.chain import Chain
from simulator.units.dram_work import Attribution, Work, added, ranks, work_of

MOST_KEPT = 100_000
"""Runs an engine keeps; when there are more it forgets them all and starts again."""


class DramEngine:
    """Runs on idle channels of ``spec``, kept for when equal work meets the same place in the refresh interval.

    Refresh falls due on every channel each nREFI, busy or idle; time 0 is just after one.
    """

    def __init__(self, spec: Dram, engine: EngineName = "compiled") -> None:
        self.spec = spec
        self.resolved = resolve_dram(spec)
        self.device = device_engine(spec, engine)
        self.ranks = ranks(spec)
        self.attribution = Attribution(spec, self.resolved)
        self.interval = self.resolved.refresh_interval if spec.controller.refresh == "REFab" else 0
        refresh = [
            c for c in self.resolved.commands.values() if c.refreshes and c.scope < len(self.resolved.levels) - 1
        ]
        self.refresh_command = refresh[0].name if refresh else ""
        self.refresh_ticks = refresh[0].latency if self.interval else 0
        self._runs: dict[tuple[bytes, int], Work] = {}
        self._chains: dict[tuple[tuple[tuple[bytes, int], ...], int], Work] = {}
        self._mapping = AddressMapping(spec)
        self.memo: dict[Hashable, Any] = {}
        """What units derive from this engine alone and want to keep for the next run, by a key of theirs."""

    def to_ps(self, ticks: int) -> int:
        """Ticks as ps, rounded up."""
        return -(-ticks * self.spec.tCK_ps // self.spec.ticks_per_clock)

    def all_to_ps(self, ticks: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """As `to_ps`, of many."""
        found: npt.NDArray[np.int64] = -(-ticks * self.spec.tCK_ps // self.spec.ticks_per_clock)
        return found

    def to_ticks(self, time_ps: int) -> int:
        """The first tick not before ``time_ps``."""
        return -(-time_ps * self.spec.ticks_per_clock // self.spec.tCK_ps)

    def phase(self, tick: int) -> int:
        """Ticks since refresh last fell due; 0 without refresh."""
        return (tick + self.refresh_ticks + self.ranks) % self.interval if self.interval else 0

    def refreshes_due(self, tick: int) -> int:
        """How often refresh fell due on each rank from time 0 to before ``tick``."""
        return (tick + self.refresh_ticks + self.ranks - 1) // self.interval if self.interval else 0

    def program(self, program: HostProgram, tick: int) -> Work:
        """One run of ``program`` from ``tick`` on."""
        return self._program(program, self.phase(tick))

    def _program(self, program: HostProgram, phase: int) -> Work:
        key = (program.key, phase)
        work = self._runs.get(key)
        if work is None:
            if len(self._runs) >= MOST_KEPT:
                self._runs.clear()
            run = self.device.run_program(program, refresh_phase=phase)
            work = self._runs[key] = work_of(run, self.attribution)
        return work

    def chain(self, chain: Chain, tick: int) -> Work:
        """The programs of ``chain`` from ``tick`` on, each starting when the rows of the one before are closed."""
        start = self.phase(tick)
        key = (chain.key, start)
        found = self._chains.get(key)
        if found is None:
            if len(self._chains) >= MOST_KEPT:
                self._chains.clear()
            found = self._chains[key] = self._run_chain(chain, start)
        return found

    def _run_chain(self, chain: Chain, start: int) -> Work:
        if len(chain.parts) == 1 and chain.parts[0][1] == 1:
            return self._program(chain.parts[0][0], start)
        times: Counter[int] = Counter()
        works: dict[int, Work] = {}
        done = end = 0
        for program, repeats in chain.parts:
            for _ in range(repeats):
                work = self._program(program, (start + done) % self.interval if self.interval else 0)
                works[id(work)] = work
                times[id(work)] += 1
                end = done + work.end_ticks
                done += work.ticks
        return added(((work, times[key]) for key, work in works.items()), end)

    def chain_parts(self, chain: Chain, tick: int) -> Iterator[tuple[HostProgram, int, int]]:
        """Each program of ``chain``, started at ``tick``: (program, its first tick, its ticks)."""
        for program, repeats in chain.parts:
            for _ in range(repeats):
                ticks = self.program(program, tick).ticks
                yield program, tick, ticks
                tick += ticks

    def requests(self, n_bursts: int, phase: int | None, *, write: bool) -> DeviceRun:
        """``n_bursts`` consecutive bursts of one channel, all offered at once, from the start of a fresh row on."""
        return self.device.run_requests(self.burst_list(n_bursts, write=write), refresh_phase=phase)

    def burst_list(self, n_bursts: int, *, write: bool) -> RequestList:
        """``n_bursts`` consecutive bursts of one channel from the start of a row on."""
        place = self._mapping.decode(_burst_addresses(n_bursts, self.spec.organization.burst_bytes))
        return RequestList(np.full(n_bursts, write, dtype=np.bool_), place.bank, place.row, place.column)


def _burst_addresses(n_bursts: int, burst_bytes: int) -> npt.NDArray[np.int64]:
    return np.arange(n_bursts, dtype=np.int64) * burst_bytes
