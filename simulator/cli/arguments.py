"""Arguments that several verbs share."""

from __future__ import annotations

import argparse
from typing import Any

Verbs = Any
"""argparse's sub-parser collection; its class is private and generic."""


def positive_int(text: str) -> int:
    """A whole number of at least 1."""
    try:
        value = int(text)
    except ValueError:
        value = 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number of at least 1")
    return value


def window_us(text: str) -> tuple[int, int]:
    """``START:END`` in us as ps."""
    try:
        start, end = (round(float(part) * 1e6) for part in text.split(":"))
    except (ValueError, OverflowError):
        start = end = 0
    if not 0 <= start < end:
        raise argparse.ArgumentTypeError(f"'{text}' is not START:END in us, with 0 <= START < END")
    return start, end


def positive_float(text: str) -> float:
    """A number above 0."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"'{text}' is not a number above 0")
    return value


def add_json(parser: argparse.ArgumentParser) -> None:
    """``--json``: exactly one JSON document on stdout."""
    parser.add_argument("--json", action="store_true", help="print one JSON document instead of text")


def add_overrides(parser: argparse.ArgumentParser) -> None:
    """``--set``: dotted overrides of the platform or the workload (see `split_overrides`)."""
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="PATH=VALUE",
        dest="overrides",
        help="override a key, such as memory.channels=16 or workload.batch=8; repeatable",
    )


def add_exact(parser: argparse.ArgumentParser) -> None:
    """``--exact``: no declared approximation."""
    parser.add_argument("--exact", action="store_true", help="turn every declared approximation off (slower)")


def add_engine(parser: argparse.ArgumentParser) -> None:
    """``--engine``: what runs the DRAM channels."""
    parser.add_argument(
        "--engine",
        choices=("compiled", "reference"),
        default="compiled",
        help="reference: SimPy, one event per DRAM command; the same figures, some hundred times slower",
    )


def split_overrides(overrides: list[str]) -> tuple[list[str], list[str]]:
    """(platform overrides, workload overrides); see `for_workload`."""
    from simulator.config.overrides import WORKLOAD_PREFIX, for_workload

    platform: list[str] = []
    workload: list[str] = []
    for text in overrides:
        path = text.split("=", 1)[0]
        (workload if for_workload(path) else platform).append(text.removeprefix(WORKLOAD_PREFIX))
    return platform, workload
