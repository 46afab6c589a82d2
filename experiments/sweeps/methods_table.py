"""The methods of experiments/sweeps/methods.yaml with and without, as one table, each with what it did to the hardware.

python experiments/sweeps/methods_table.py DIR [--arch NAME]
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from simulator.explore.folder import Folder
from simulator.explore.run import load_finished

Row = dict[str, Any]

LONG = "_2k"
"""The end of the name of a method that is compared with ``none_2k``."""
KIND_TIME = "time_by_op_kind_s.decode."
BOUND = "bound_by."
CELLS = "data_movement_bytes.cell_array->bank_io"
SAME = 0.005
"""Ratios nearer to 1 than this are told as equal."""
NOTES = ("lanes", "widened", "multiplied with their zeros", "multiplied.", "no code", "no part of this platform")
"""What marks an assumption that says what a unit did in place of what was asked."""


def baseline_of(method: str) -> str:
    """The name of the run that a method is compared with."""
    return f"none{LONG}" if method.endswith(LONG) else "none"


def resources(row: Row) -> dict[str, float]:
    """Share of a decode step's time that is spent in ops held by each resource."""
    shares: defaultdict[str, float] = defaultdict(float)
    for column, seconds in row.items():
        if column.startswith(KIND_TIME) and seconds:
            shares[row.get(BOUND + column.removeprefix(KIND_TIME)) or "waiting"] += seconds
    total = sum(shares.values())
    return dict(sorted(((name, part / total) for name, part in shares.items()), key=lambda item: -item[1]))


def held(row: Row) -> str:
    """The two resources that hold most of a step, and how far a stack has to slow down to stay cool."""
    text = ", ".join(f"{name} {share:.0%}" for name, share in list(resources(row).items())[:2])
    speed = row.get("thermal.speed")
    return f"{text}, at {speed:.0%} of full speed" if speed is not None and speed < 1 else text


def bytes_of(row: Row) -> float:
    """Bytes to and from the cell arrays over the whole run, which yields the same tokens with every method."""
    return float(row.get(CELLS) or 0.0)


def verdict(ratio: float) -> str:
    """Whether a ratio helps."""
    return "equal" if abs(ratio - 1) < SAME else "helps" if ratio > 1 else "hurts"


def why(row: Row, base: Row | None, notes: list[str]) -> str:
    """One line: what bounds the run, how its bytes changed, and what a unit could not do."""
    if row["status"] != "done":
        return str(row["error"])
    if base is None or base["status"] != "done":
        return f"runs where the plain model does not; held by {held(row)}"
    ratio = row["tokens_per_s"] / base["tokens_per_s"]
    joules = row["tokens_per_j"] / base["tokens_per_j"]
    bytes_ratio = bytes_of(row) / bytes_of(base)
    text = f"{verdict(ratio)}, tokens/J {verdict(joules)}; {bytes_ratio:.2f}x the bytes; {held(base)} -> {held(row)}"
    return text + (f"; {'; '.join(notes)}" if notes else "")


def notes_of(assumptions: Iterable[str]) -> list[str]:
    """What units did instead of what was asked, from the assumptions of a run."""
    return [line for line in assumptions if any(mark in line for mark in NOTES) and not line.startswith("components.")]


def lines(folder: Path, only: str | None) -> Iterator[str]:
    """The table, platform by platform."""
    finished = load_finished(Folder(folder))
    found = {(row["arch"], row["method"], row["workload.batch"]): dict(row) for row in finished.rows}
    yield "| platform | method | batch | tokens/s | with/without | tokens/J | with/without | what bounds it, and why |"
    yield "|---|---|---|---|---|---|---|---|"
    for (arch, method, batch), row in found.items():
        if only is not None and arch != only:
            continue
        base = found.get((arch, baseline_of(method), batch))
        figures = ["-"] * 4
        if row["status"] == "done":
            figures = [f"{row['tokens_per_s']:.4g}", "-", f"{row['tokens_per_j']:.4g}", "-"]
            if base is not None and base["status"] == "done":
                figures[1] = f"{row['tokens_per_s'] / base['tokens_per_s']:.2f}"
                figures[3] = f"{row['tokens_per_j'] / base['tokens_per_j']:.2f}"
        text = (
            held(row)
            if method.startswith("none") and row["status"] == "done"
            else why(row, base, notes_of(finished.outcomes[row["point"]].assumptions))
        )
        yield f"| {arch} | {method} | {batch} | {' | '.join(figures)} | {text} |"


def main() -> None:
    """Read a folder, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--arch")
    args = parser.parse_args()
    sys.stdout.writelines(line + "\n" for line in lines(args.folder, args.arch))


if __name__ == "__main__":
    main()
