"""A worker process: takes batches of points on stdin, gives outcomes on stdout, keeps its caches warm between them.

Started as ``python -m simulator.explore.executors.worker MODULE:FUNCTION``; the function evaluates one point.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
from collections.abc import Callable
from importlib import import_module
from typing import IO

from simulator.errors import SimulatorError
from simulator.explore.executors.wire import READY, STARTED, Batch, Refusal, receive, send
from simulator.explore.outcome import Figures, Outcome, Status
from simulator.explore.points import Catalog, Point

Evaluate = Callable[[Point, Catalog], Figures]
"""Simulates one point. What it raises becomes the point's error."""

_PR_SET_PDEATHSIG = 1
_INFEASIBLE_EXIT_CODE = 2


def load(name: str) -> Evaluate:
    """The function that ``module:function`` names."""
    module, _, function = name.partition(":")
    found: Evaluate = getattr(import_module(module), function)
    return found


def outcome_of(evaluate: Evaluate, point: Point, catalog: Catalog) -> Outcome:
    """Evaluate one point, whatever happens."""
    start_s = time.perf_counter()
    try:
        figures = evaluate(point, catalog)
    except SimulatorError as error:
        status: Status = "infeasible" if error.exit_code == _INFEASIBLE_EXIT_CODE else "failed"
        return Outcome(point.id, status, error=str(error), wall_s=time.perf_counter() - start_s)
    except MemoryError:
        return Outcome(point.id, "failed", error="out of memory", wall_s=time.perf_counter() - start_s)
    except Exception as error:
        text = f"{type(error).__name__}: {error}".splitlines()[0]
        return Outcome(point.id, "failed", error=text, wall_s=time.perf_counter() - start_s)
    wall_s = time.perf_counter() - start_s
    status = "skipped" if figures.skipped else "done"
    return Outcome(point.id, status, figures.figures, figures.assumptions, wall_s=wall_s)


def serve(evaluate: Evaluate, batches: IO[bytes], results: IO[bytes]) -> None:
    """Evaluate batch after batch until the sweep hangs up."""
    catalog = Catalog()
    while True:
        send(results, READY)
        batch: Batch = receive(batches)
        try:
            catalog.add(batch[0])
        except SimulatorError as error:
            send(results, Refusal(str(error)))
            return
        for point in batch[1]:
            send(results, STARTED)
            send(results, outcome_of(evaluate, point, catalog))


def _die_with_parent(parent: int) -> None:
    """Have the system kill this process when its parent ends, even if it is killed or this process hangs."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit(0)


def main() -> None:
    """Serve the parent process. Ctrl-C is the parent's to handle; what a model prints goes to stderr."""
    _die_with_parent(int(sys.argv[2]))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    batches = os.fdopen(os.dup(0), "rb")
    results = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    try:
        serve(load(sys.argv[1]), batches, results)
    except (EOFError, BrokenPipeError):
        # The sweep has ended; what was on its way is not wanted any more, not even by the interpreter's own shutdown.
        os._exit(0)


if __name__ == "__main__":
    main()
