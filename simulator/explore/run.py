"""Running a sweep in its folder: what is left to do is done, recorded as it comes, and made a table at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from simulator.errors import ConfigError
from simulator.explore.columns import Row
from simulator.explore.folder import LOCAL, Folder, Frozen
from simulator.explore.journal import Journal
from simulator.explore.outcome import Outcome
from simulator.explore.plan import Plan
from simulator.explore.points import Catalog, Point
from simulator.explore.shards import Shard
from simulator.explore.table import columns_of, rows_of, write_table
from simulator.explore.terms import Terms


class Executor(Protocol):
    """Evaluates points, each once; `doing` is what its workers are at."""

    @property
    def doing(self) -> Sequence[Point | None]:
        """The point that each worker is at."""

    def run(self, points: Iterable[Point]) -> Iterator[Outcome | None]:
        """Outcomes as they come; None now and then."""


MakeExecutor = Callable[[Terms, Catalog], AbstractContextManager[Executor]]


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
    """What is known of a sweep, and where its table lies if it has one."""

    terms: Terms
    points: tuple[Point, ...]
    outcomes: Mapping[str, Outcome]
    table: Path | None = None

    @property
    def rows(self) -> list[Row]:
        """The table: one row a point that has an outcome, in the order of the sweep."""
        return rows_of(self.points, self.outcomes)

    @property
    def columns(self) -> list[str]:
        """The columns of the table."""
        return columns_of(self.rows, self.terms.labels)

    @property
    def missing(self) -> int:
        """Points without an outcome."""
        return sum(point.id not in self.outcomes for point in self.points)


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
        if not plan.is_adaptive:
            frozen = freeze(plan, folder)
            _evaluate(frozen, frozen.points, folder, LOCAL, executor, watch, retry=retry)
        else:
            _search(plan, folder, executor, watch, retry=retry)
        return finish(folder)


def freeze(plan: Plan, folder: Folder) -> Frozen:
    """Resolve all points of ``plan`` and keep them in ``folder``. Raises ConfigError for points that need results."""
    if plan.is_adaptive:
        raise ConfigError(
            f"the sampler '{plan.spec.sampler}' chooses points by results; its points cannot be shared out"
        )
    points = tuple(plan.points())
    check_same_sweep(plan, points, folder)
    frozen = Frozen(plan.terms, plan.catalog, points)
    folder.freeze(plan.text, frozen)
    return frozen


def check_same_sweep(plan: Plan, points: Sequence[Point], folder: Folder) -> None:
    """Raise ConfigError when ``folder`` holds a sweep of another name that has none of ``points``."""
    if not folder.is_frozen:
        return
    held = folder.frozen()
    ids = {point.id for point in points}
    if held.terms.name != plan.terms.name and not any(point.id in ids for point in held.points):
        raise ConfigError(
            f"{folder.path} holds the sweep '{held.terms.name}', of which '{plan.terms.name}' has no point; take "
            "another -o"
        )


def run_frozen(
    folder: Folder, executor: MakeExecutor, watch: Watch, *, shard: Shard | None = None, retry: bool = False
) -> None:
    """Evaluate what is left of the points frozen in ``folder``, or of a ``shard`` of them.

    Raises ConfigError when none are, when another simulator froze them, or when another process has this shard.
    """
    with folder.locked(exclusive=shard is None):
        frozen = folder.frozen(to_run=True)
        points = frozen.points if shard is None else shard.of(frozen.points)
        _evaluate(frozen, points, folder, LOCAL if shard is None else str(shard), executor, watch, retry=retry)


def finish(folder: Folder) -> Finished:
    """Write the table of what ``folder`` knows."""
    known = load_finished(folder)
    return replace(known, table=write_table(folder, known.rows, known.terms.labels, known.outcomes))


def load_finished(folder: Folder) -> Finished:
    """What a folder knows so far. Raises ConfigError when it holds no sweep."""
    frozen = folder.frozen()
    return Finished(frozen.terms, frozen.points, folder.outcomes())


def _evaluate(  # noqa: PLR0913 - what a sweep is run with
    frozen: Frozen,
    points: Sequence[Point],
    folder: Folder,
    journal: str,
    executor: MakeExecutor,
    watch: Watch,
    *,
    retry: bool,
) -> None:
    with folder.journal(journal) as open_journal, executor(frozen.terms, frozen.catalog) as workers:
        watch.begin(len(points))
        Recorder(_known(folder, retry=retry), open_journal, watch).evaluate(points, workers)


def _search(plan: Plan, folder: Folder, executor: MakeExecutor, watch: Watch, *, retry: bool) -> None:
    from simulator.explore.search import search

    check_same_sweep(plan, (), folder)
    with folder.journal(LOCAL) as journal, executor(plan.terms, plan.catalog) as workers:
        watch.begin(plan.spec.samples or 0)
        recorder = Recorder(_known(folder, retry=retry), journal, watch)
        taken: list[Point] = []

        def evaluate(points: Sequence[Point]) -> Mapping[str, Outcome]:
            taken.extend(points)
            folder.freeze(plan.text, Frozen(plan.terms, plan.catalog, tuple(taken)))
            return recorder.evaluate(points, workers)

        search(plan, evaluate)


def _known(folder: Folder, *, retry: bool) -> dict[str, Outcome]:
    return {key: outcome for key, outcome in folder.outcomes().items() if not (retry and outcome.status == "failed")}


class Recorder:
    """Evaluates what is not ``known`` yet, and records it there and in the journal."""

    def __init__(self, known: dict[str, Outcome], journal: Journal, watch: Watch) -> None:
        self._known = known
        self._journal = journal
        self._watch = watch

    def evaluate(self, points: Iterable[Point], executor: Executor) -> Mapping[str, Outcome]:
        """All outcomes known, those of ``points`` among them."""
        points = list(points)
        todo = {point.id: point for point in points if point.id not in self._known}
        self._watch.recall(sum(point.id in self._known for point in points))
        for outcome in executor.run(todo.values()) if todo else ():
            if outcome is None:
                self._watch.tick(executor.doing)
                continue
            self._journal.append(outcome)
            self._known[outcome.id] = outcome
            self._watch.outcome(todo[outcome.id], outcome)
        return self._known
