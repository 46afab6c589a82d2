"""A sweep as a data frame, for notebooks and scripts."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from simulator.errors import ConfigError
from simulator.explore.executors.local import local_executor
from simulator.explore.folder import Folder
from simulator.explore.outcome import Outcome
from simulator.explore.plan import Plan
from simulator.explore.points import Point
from simulator.explore.run import run_sweep

if TYPE_CHECKING:
    import pandas as pd


class _Progress:
    """A watch that only counts."""

    def __init__(self, report: Callable[[int, int], None] | None) -> None:
        self._report = report
        self._done = self._total = 0

    def begin(self, total: int) -> None:
        """A sweep of ``total`` points begins."""
        self._total = total

    def recall(self, n_points: int) -> None:
        """So many points have outcomes from before."""
        self._done += n_points

    def outcome(self, point: Point, outcome: Outcome) -> None:
        """A point has its outcome."""
        del point, outcome
        self._done += 1
        if self._report is not None:
            self._report(self._done, self._total)

    def tick(self, doing: Sequence[Point | None]) -> None:
        """Nothing new."""


def sweep_to_frame(  # noqa: PLR0913 - what a sweep is run with
    plan: Plan,
    evaluate: str,
    folder: str | Path | None,
    *,
    jobs: int | None,
    resume: bool,
    progress: Callable[[int, int], None] | None,
) -> pd.DataFrame:
    """Run ``plan`` and give its table. Raises ConfigError when pandas is not installed, or as `run_sweep` does."""
    if find_spec("pandas") is None:
        raise ConfigError("a data frame needs pandas: pip install 'nearbank[table]' (`nearbank sweep` does without)")
    import pandas as pd

    with tempfile.TemporaryDirectory(prefix="nearbank-sweep-") as scratch:
        path = Path(scratch) / "sweep" if folder is None else Path(folder)
        finished = run_sweep(
            plan,
            Folder(path),
            lambda terms, catalog: local_executor(terms, catalog, evaluate, path, jobs),
            _Progress(progress),
            resume=resume,
        )
    return pd.DataFrame.from_records(finished.rows, columns=finished.columns)
