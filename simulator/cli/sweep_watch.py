"""How a sweep shows on stderr: a live view on a terminal, else a plain line now and then."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from simulator.cli import output
from simulator.cli.progress import LINE_EVERY_S
from simulator.report.sweep_view import Progress, live, progress_line

if TYPE_CHECKING:
    from rich.live import Live

    from simulator.explore.outcome import Outcome
    from simulator.explore.points import Point
    from simulator.explore.terms import Terms

REDRAW_EVERY_S = 0.5


class SweepWatch:
    """Counts outcomes and shows them: plain lines, or a ``view`` on a terminal."""

    def __init__(self, terms: Terms, view: Live | None = None) -> None:
        self.progress = Progress()
        self._name = terms.name
        self._objectives = terms.objectives
        self._axes = terms.varied
        self._view = view
        self._counts: Counter[str] = Counter()
        self._best: dict[str, tuple[float, str]] = {}
        self._start_s = self._shown_s = time.monotonic()

    def begin(self, total: int) -> None:
        """A sweep of ``total`` points begins."""
        self.progress = Progress(total=total, counts=self._counts)

    def recall(self, n_points: int) -> None:
        """So many points have outcomes from before."""
        self.progress.known += n_points

    def outcome(self, point: Point, outcome: Outcome) -> None:
        """A point has its outcome."""
        self._counts[outcome.status] += 1
        if outcome.status == "failed":
            self._say(f"{self._name}: point {point.id} ({self._where(point)}) failed: {outcome.error}")
        for objective in self._objectives if outcome.status == "done" else ():
            cost = objective.cost(outcome.figures)
            before = self._best.get(objective.column)
            if cost is not None and (before is None or cost < before[0]):
                self._best[objective.column] = cost, self._where(point)

    def tick(self, doing: Sequence[Point | None]) -> None:
        """Show something when it is time."""
        now_s = time.monotonic()
        if now_s - self._shown_s < (LINE_EVERY_S if self._view is None else REDRAW_EVERY_S):
            return
        self._shown_s = now_s
        self.progress.elapsed_s = now_s - self._start_s
        if self._view is None:
            output.warn(progress_line(self._name, self.progress))
            return
        best = {
            o.column: (abs(self._best[o.column][0]), self._best[o.column][1])
            for o in self._objectives
            if o.column in self._best
        }
        at = [self._where(point) if point else "starting" for point in doing]
        self._view.update(live(self._name, self.progress, best, at))

    def _say(self, line: str) -> None:
        if self._view is None:
            output.warn(line)
        else:
            self._view.console.print(line, highlight=False, markup=False)

    def _where(self, point: Point) -> str:
        """A point by what makes it different."""
        labels = point.labels
        return ", ".join(f"{axis.rpartition('.')[2]} {labels[axis]}" for axis in self._axes if axis in labels)

    def end(self) -> None:
        """The last line."""
        self.progress.elapsed_s = time.monotonic() - self._start_s
        output.warn(progress_line(self._name, self.progress))


@contextmanager
def watching(terms: Terms) -> Iterator[SweepWatch]:
    """A watch for as long as the sweep runs; it says at the end how far that was."""
    if not sys.stderr.isatty():
        watch = SweepWatch(terms)
        yield watch
        watch.end()
        return
    from rich.console import Console
    from rich.live import Live

    with Live(console=Console(stderr=True), transient=True, auto_refresh=False) as view:
        watch = SweepWatch(terms, view)
        yield watch
    watch.end()
