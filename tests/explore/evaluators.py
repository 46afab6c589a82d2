"""What worker processes of the tests call instead of the simulator: a label of the point says what is to happen."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

from simulator.errors import CapacityError, SimulationStalled
from simulator.explore.outcome import Figures
from simulator.explore.points import Catalog, Point

BEHAVE = "tests.explore.evaluators:behave"
MARKED = "tests.explore.evaluators:mark_and_behave"
MIB = 2**20


def behave(point: Point, catalog: Catalog) -> Figures:
    """Figures that depend on the point only, unless its label ``do`` (a word and an argument) says otherwise."""
    del catalog
    word, _, argument = str(point.labels.get("do", "")).partition(" ")
    if word == "skip":
        return Figures(skipped=True)
    if word in DEEDS:
        DEEDS[word](argument)
    return Figures({"tokens_per_s": 10.0 * point.index, "tokens_per_j": 1000.0 - point.index}, ("a guess",))


def _hang(_: str) -> None:
    while True:
        pass


def _eat(mib: str) -> None:
    held = bytearray(int(mib) * MIB)
    held[::4096] = b"x" * len(held[::4096])
    time.sleep(30)


def _die(_: str) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _die_once(mark: str) -> None:
    try:
        Path(mark).touch(exist_ok=False)
    except FileExistsError:
        return
    os._exit(7)


def _raise(error: BaseException) -> Callable[[str], None]:
    def deed(_: str) -> None:
        raise error

    return deed


DEEDS: dict[str, Callable[[str], None]] = {
    "sleep": lambda seconds: time.sleep(float(seconds)),
    "hang": _hang,
    "eat": _eat,
    "die": _die,
    "die-once": _die_once,
    "exit": _raise(SystemExit(3)),
    "raise": _raise(ZeroDivisionError("on the\nsecond thought")),
    "does-not-fit": _raise(CapacityError("too large by half")),
    "stalls": _raise(SimulationStalled("waits for ever")),
    "print": lambda _: print("what a plug-in prints goes astray nowhere"),  # noqa: T201
}


def mark_and_behave(point: Point, catalog: Catalog) -> Figures:
    """As `behave`; notes first in the file NEARBANK_TEST_MARKS that the point was begun."""
    with Path(os.environ["NEARBANK_TEST_MARKS"]).open("a", encoding="ascii") as marks:
        marks.write(f"{point.id}\n")
    return behave(point, catalog)
