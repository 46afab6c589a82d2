"""Running a sweep in its folder: what is left to do is done, recorded as it comes, and made a table at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from simulator.errors import ConfigError
from simulator.explore.columns import Row
from simulator.explore.folder import LOCAL, Folder
from simulator.explore.journal import Journal
from simulator.explore.outcome import Outcome
from simulator.explore.plan import Plan
from simulator.explore.points import Point
from simulator.explore.table import columns_of, rows_of, write_table


class Executor(Protocol):
    """Evaluates points, each once; `doing` is what its workers are at."""

    @property
    def doing(self) -> Sequence[Point | None]:
        """The point that each worker is at."""

    def run(self, points: Iterable[Point]) -> Iterator[Outcome | None]:
        """Outcomes as they come; None now and then."""


class Watch(Protocol):
    """Whoever shows how a sweep is getting on."""

    def begin(self, total: int) -> None:
        """A sweep of ``total`` points begins."""

    def recall(self, n_points: int) -> None:
        """So many points have outcomes from before."""

    def outcome(self, point: Point, outcome: Outcome) -> None:
        """A point has its outcome."""

    def tick(self, doing: Sequence[Point | None]) -> None:
        """Nothing new; ``doing`` is what the workers are at."""


@dataclass(frozen=True)
class Finished:
    """A sweep after its run. ``missing``: points without an outcome, which only a shard or a merge leaves."""

    points: tuple[Point, ...]
    outcomes: Mapping[str, Outcome]
    axes: tuple[str, ...]
    table: Path | None = None

    @property
    def rows(self) -> list[Row]:
        """The table: one row a point that has an outcome, in the order of the sweep."""
        return rows_of(self.points, self.outcomes)

    @property
    def columns(self) -> list[str]:
        """The columns of the table."""
        return columns_of(self.rows, self.axes)

    @property
    def missing(self) -> int:
        """Points without an outcome."""
        return sum(point.id not in self.outcomes for point in self.points)


MakeExecutor = Callable[[Plan], AbstractContextManager[Executor]]


def run_sweep(  # noqa: PLR0913 - what a sweep is run with
    plan: Plan, folder: Folder, executor: MakeExecutor, watch: Watch, *, resume: bool = False, retry: bool = False
) -> Finished:
    """Run ``plan`` to its end and write its table.

    ``resume``: what the folder already knows is not done again; but for ``retry``, then failed points are. Raises
    ConfigError when another sweep works in the folder, or when it holds one and is not to be resumed.
    """
    with folder.locked():
        if not resume and folder.has_outcomes():
            raise ConfigError(f"{folder.path} already holds a sweep; continue it with --resume, or take another -o")
        known = {id_: o for id_, o in folder.outcomes().items() if not (retry and o.status == "failed")}
        with folder.journal(LOCAL) as journal, executor(plan) as workers:
            recorder = Recorder(known, journal, watch)
            points = (_searched if plan.is_adaptive else _listed)(plan, folder, recorder, workers)
        outcomes = {point.id: known[point.id] for point in points}
        return finish(folder, points, outcomes, plan.space.columns)


def _listed(plan: Plan, folder: Folder, recorder: Recorder, executor: Executor) -> list[Point]:
    points = list(plan.points())
    folder.freeze(plan.text, plan.catalog, points)
    recorder.watch.begin(len(points))
    recorder.evaluate(points, executor)
    return points


def _searched(plan: Plan, folder: Folder, recorder: Recorder, executor: Executor) -> list[Point]:
    from simulator.explore.search import search

    recorder.watch.begin(plan.spec.samples or 0)
    points = search(plan, lambda points: recorder.evaluate(points, executor))
    folder.freeze(plan.text, plan.catalog, points)
    return points


class Recorder:
    """Evaluates what is not ``known`` yet, and records it there and in the journal."""

    def __init__(self, known: dict[str, Outcome], journal: Journal, watch: Watch) -> None:
        self._known = known
        self._journal = journal
        self.watch = watch

    def evaluate(self, points: Iterable[Point], executor: Executor) -> Mapping[str, Outcome]:
        """All outcomes known, those of ``points`` among them."""
        points = list(points)
        todo = {point.id: point for point in points if point.id not in self._known}
        self.watch.recall(sum(point.id in self._known for point in points))
        for outcome in executor.run(todo.values()) if todo else ():
            if outcome is None:
                self.watch.tick(executor.doing)
                continue
            self._journal.append(outcome)
            self._known[outcome.id] = outcome
            self.watch.outcome(todo[outcome.id], outcome)
        return self._known


def finish(folder: Folder, points: Sequence[Point], outcomes: Mapping[str, Outcome], axes: Sequence[str]) -> Finished:
    """Write the table of what there is."""
    finished = Finished(tuple(points), outcomes, tuple(axes))
    table = write_table(folder, finished.rows, axes, outcomes)
    return Finished(finished.points, outcomes, finished.axes, table)


def load_finished(folder: Folder) -> Finished:
    """What a folder knows so far. Raises ConfigError when it holds no sweep."""
    points = folder.points()
    axes = dict.fromkeys(label for point in points for label in point.labels)
    return Finished(tuple(points), folder.outcomes(), tuple(axes))
