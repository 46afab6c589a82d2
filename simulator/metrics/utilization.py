"""Utilisation: for how much of the run each component worked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection

from simulator.errors import ConservationError
from simulator.metrics.bins import Bins
from simulator.metrics.result import BusyProfile
from simulator.metrics.stage import Stage, Tally

PROFILE_BINS = 96
"""Of two blocks: fine enough to see the ops of one, and few enough to be read."""


class Utilization(Tally):
    """Measures the union of each component's busy intervals, so that overlapping work counts once.

    With many devices it is the mean over them. An interval that reaches into the next step is shared out between the
    two; what reaches beyond the last token is not part of the run.
    """

    def __init__(self, stage: Stage, devices: int = 1) -> None:
        super().__init__(stage)
        self._devices = devices
        self._open: dict[str, list[tuple[int, int]]] = defaultdict(list)
        self._counted_to_ps: dict[str, int] = defaultdict(int)
        self._busy_ps: dict[str, float] = defaultdict(int)
        self._step_start_ps = self._step_end_ps = 0
        self._moved: dict[str, list[tuple[int, int, int]]] = defaultdict(list)
        """Transfers of the current step by component and hop."""

    def transfer(self, start_ps: int, end_ps: int, hop: str, n_bytes: int, component: str) -> None:
        """Kept for the profile of the step."""
        self._moved[f"{component}: {hop}"].append((start_ps, end_ps, n_bytes))

    def busy(self, component: str, start_ps: int, end_ps: int, what: str) -> None:
        """``component`` was busy with ``what`` from ``start_ps`` to ``end_ps``."""
        if not 0 <= start_ps <= end_ps:
            raise ConservationError(f"{component}: busy with {what} from {start_ps} ps to {end_ps} ps")
        self._open[component].append((start_ps, end_ps))

    def token_done(self, time_ps: int, index: int) -> None:
        """The step ends here."""
        del index
        self._step_start_ps, self._step_end_ps = self._step_end_ps, time_ps

    def part_done(self, time_ps: int) -> None:
        """The part ends here."""
        self._step_end_ps = time_ps

    def flush(self) -> None:
        """Count the step that ends; keeps memory independent of the number of steps."""
        step_end_ps, opened = self._step_end_ps, self._open
        self._open = defaultdict(list)
        self._moved.clear()
        for component, intervals in opened.items():
            counted_to_ps = self._counted_to_ps[component]
            busy_ps = 0
            for start, end in sorted(intervals):
                inside_ps = min(end, step_end_ps)
                busy_ps += max(0, inside_ps - max(start, counted_to_ps))
                counted_to_ps = max(inside_ps, counted_to_ps)
                if end > step_end_ps:
                    self._open[component].append((max(start, step_end_ps), end))
            self._counted_to_ps[component] = counted_to_ps
            counted_ps = busy_ps * self.stage.count
            self._busy_ps[component] += counted_ps if self._devices == 1 else counted_ps / self._devices

    def busy_ps(self) -> dict[str, float]:
        """Busy time by component up to the last token, in ps; every component that was ever busy."""
        self.flush()
        return {component: self._busy_ps[component] for component in sorted(self._busy_ps)}

    def profile(self, blocks: int) -> BusyProfile | None:
        """Who is busy when, and what moves, in the middle two of ``blocks`` equal parts of the step that just ended.

        Asked before that step is flushed; None for a step without time.
        """
        step_ps = self._step_end_ps - self._step_start_ps
        bin_ps = max(1, round(2 * step_ps / max(blocks, 2) / PROFILE_BINS))
        start_ps = max(0, (step_ps - bin_ps * PROFILE_BINS) // 2)
        if not step_ps or bin_ps * PROFILE_BINS > step_ps:
            return None
        bins = Bins(self._step_start_ps + start_ps, bin_ps, PROFILE_BINS)
        return BusyProfile(
            start_ps=start_ps,
            bin_ps=bin_ps,
            busy={name: bins.busy(intervals) for name, intervals in sorted(self._open.items())},
            moved_bytes={name: bins.spread(amounts) for name, amounts in sorted(self._moved.items())},
        )

    def fractions(self, time_ps: int, side_by_side: Collection[str] = ()) -> dict[str, float]:
        """Busy share of ``time_ps`` by component, 0 to 1. Raises ConservationError for a component busier than time.

        ``side_by_side``: components whose work for several devices or microbatches overlaps in time.
        """
        busy = self.busy_ps()
        for component, ps in busy.items():
            # Weights of sampled steps are fractions: half a picosecond is rounding, more is not.
            if ps > time_ps + 0.5 and component not in side_by_side:
                raise ConservationError(f"{component}: busy for {ps} ps of a run of {time_ps} ps")
        return {component: min(1.0, ps / time_ps) if time_ps else 0.0 for component, ps in busy.items()}
