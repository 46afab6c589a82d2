"""Power over time: the energy of each action, spread over the work that it belongs to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import pairwise

from simulator.hooks import Prices
from simulator.metrics.trace_events import PS_PER_US

INTERVALS = 4000
"""Most equal intervals of a run over which power is averaged; they last 1 us at least."""


class PowerTrack:
    """Collects energy by component in pJ, and gives its power; a pJ each ps is a W.

    An action's energy flows evenly during the last interval that its component was busy or moved data; that of
    actions of no op (such as refreshes of an idle memory), and of a component that tells no interval, during the step.
    """

    def __init__(self) -> None:
        self._prices: Prices = {}
        self._static_w: Mapping[str, float] = {}
        self._last: dict[str, tuple[int, int]] = {}
        self._spread: dict[str, dict[tuple[int, int], float]] = defaultdict(lambda: defaultdict(float))
        self._waiting_pj: dict[str, float] = defaultdict(float)
        self._step_start_ps = 0

    def begin(self, prices: Prices, static_power_w: Mapping[str, Mapping[str, float]]) -> None:
        """What actions cost and what always flows."""
        self._prices = prices
        self._static_w = {name: sum(classes.values()) for name, classes in static_power_w.items()}

    def works(self, component: str, start_ps: int, end_ps: int) -> None:
        """What ``component`` does next is told of this interval."""
        if end_ps > start_ps:
            self._last[component] = (start_ps, end_ps)

    def act(self, component: str, action: str, count: int, *, of_op: bool) -> None:
        """``component`` did ``action`` ``count`` times."""
        pj = count * sum(self._prices.get(component, {}).get(action, {}).values())
        if of_op and component in self._last:
            self._spread[component][self._last[component]] += pj
        else:
            self._waiting_pj[component] += pj

    def step_ends(self, time_ps: int) -> None:
        """Spread what belongs to the step as a whole."""
        if time_ps > self._step_start_ps:
            for component, pj in self._waiting_pj.items():
                self._spread[component][self._step_start_ps, time_ps] += pj
            self._waiting_pj.clear()
            self._step_start_ps = time_ps

    def power_w(self, end_ps: int) -> Iterator[tuple[str, list[tuple[int, float]]]]:
        """Component -> (time in ps, W from then on), up to ``end_ps``; where it changes. Then all of them together."""
        bin_ps = max(PS_PER_US, -(-end_ps // INTERVALS))
        edges = [*range(0, end_ps, bin_ps), end_ps]
        total = [0.0] * (len(edges) - 1)
        for component in sorted({*self._spread, *(name for name, w in self._static_w.items() if w)}):
            watts = self._binned(component, edges, bin_ps)
            total = [a + b for a, b in zip(total, watts, strict=True)]
            yield component, _changes(edges, watts)
        yield "total", _changes(edges, total)

    def _binned(self, component: str, edges: list[int], bin_ps: int) -> list[float]:
        pj = [0.0] * (len(edges) - 1)
        for (start, end), energy in self._spread[component].items():
            for position in range(start // bin_ps, min(len(pj), -(-end // bin_ps))):
                inside = min(end, (position + 1) * bin_ps) - max(start, position * bin_ps)
                pj[position] += energy * inside / (end - start)
        static_w = self._static_w.get(component, 0.0)
        return [static_w + energy / (until - at) for energy, (at, until) in zip(pj, pairwise(edges), strict=True)]


def _changes(edges: list[int], watts: list[float]) -> list[tuple[int, float]]:
    """Where the value changes, and 0 at the end."""
    found: list[tuple[int, float]] = []
    for at, value in zip(edges, [*(float(f"{w:.9g}") for w in watts), 0.0], strict=True):
        if not found or found[-1][1] != value:
            found.append((at, value))
    return found
