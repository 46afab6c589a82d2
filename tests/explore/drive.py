"""A sweep in a process of its own, for tests that kill it: ``python -m tests.explore.drive SPEC DIR [resume]``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from simulator.api import read_sweep
from simulator.explore.executors.local import local_executor
from simulator.explore.folder import Folder
from simulator.explore.outcome import Outcome
from simulator.explore.points import Point
from simulator.explore.run import Finished, run_sweep
from tests.explore.evaluators import MARKED


class Silent:
    """A watch that looks away."""

    def begin(self, total: int) -> None:
        """Nothing."""

    def recall(self, n_points: int) -> None:
        """Nothing."""

    def outcome(self, point: Point, outcome: Outcome) -> None:
        """Nothing."""

    def tick(self, doing: Sequence[Point | None]) -> None:
        """Nothing."""


def drive(spec: Path, folder: Path, *, resume: bool = False, retry: bool = False, evaluate: str = MARKED) -> Finished:
    """Run a sweep with the tests' evaluators."""
    return run_sweep(
        read_sweep(spec),
        Folder(folder),
        lambda terms, catalog: local_executor(terms, catalog, evaluate, folder, 2),
        Silent(),
        resume=resume,
        retry=retry,
    )


if __name__ == "__main__":
    drive(Path(sys.argv[1]), Path(sys.argv[2]), resume="resume" in sys.argv[3:])
