"""What runs on a Dask worker: one point, in a worker process beside it that may hang, grow or die without harm."""

from __future__ import annotations

import atexit
import os
import tempfile
from contextlib import ExitStack
from functools import cache
from pathlib import Path

from simulator.explore.executors.local import LOG, LocalExecutor
from simulator.explore.outcome import Outcome
from simulator.explore.points import BaseArch, Catalog, Point
from simulator.explore.terms import Rules

KEPT_ARCHS = 64
"""Platforms that a Dask worker's process remembers."""


@cache
def _executor(evaluate: str, rules: Rules, process: int) -> tuple[LocalExecutor, Catalog]:
    """The worker process of this Dask worker (``process``), which outlives single points and keeps its caches."""
    del process
    catalog, stack = Catalog(), ExitStack()
    folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="nearbank-worker-"))
    executor = stack.enter_context(LocalExecutor(evaluate, catalog, 1, rules, Path(folder) / LOG))
    atexit.register(stack.close)
    return executor, catalog


def evaluate_point(  # noqa: PLR0913 - each a message of its own, so that Dask sends the shared ones once
    point: Point, arch: BaseArch, workload: str, options: tuple[str | None, bool, str], evaluate: str, rules: Rules
) -> Outcome:
    """The outcome of ``point``, whatever happens. ``options``: ``skip_if``, ``exact`` and simulator of the sweep.

    Raises SimulatorError on a worker of another simulator.
    """
    executor, catalog = _executor(evaluate, rules, os.getpid())
    if len(catalog.archs) >= KEPT_ARCHS:
        catalog.archs.clear()
    catalog.add(Catalog({point.arch: arch}, {point.workload: workload}, *options))
    # The run is heard to its end: a message left in the pipe would be missed by the next run.
    (outcome,) = [outcome for outcome in executor.run([point]) if outcome is not None]
    return outcome


def itself(value: object) -> object:
    """``value``: as a task of its own it is sent once, kept where it is needed, and had again when a worker dies."""
    return value
