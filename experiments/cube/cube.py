"""The whole cube: every method with every shipped model on a platform of each kind, and what became of each cell.

    python experiments/cube/cube.py OUT.csv [-j N] [--kind KIND]... [--model NAME]... [--method NAME]...

A cell `ran`, was `refused` in one line, or is `broken`: another exception, or a figure that is not sane. The file has a
row for each; the table on stdout counts them by kind of platform and says why cells were refused. Exits with 1 if a
cell is broken. Models are cut in depth (`cells.py`).
"""

from __future__ import annotations

import argparse
import csv
import re
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from experiments.cube import cells  # noqa: E402 - the root has to be known first
from simulator.api import Arch, load_arch, simulate  # noqa: E402
from simulator.errors import SimulatorError  # noqa: E402
from simulator.workload.model import Model  # noqa: E402

PLAIN = "none"
"""The method of cells without one."""
INPUT_FAULT = 2
"""The exit code of errors that say what input cannot be used."""


class Cell(NamedTuple):
    """A row of the file. ``why``: the line that refuses a cell, or what is wrong."""

    kind: str
    platform: str
    model: str
    method: str
    outcome: str
    tokens_per_s: float | None
    tokens_per_j: float | None
    why: str


def cell(kind: str, arch: Arch, model: Model, method: cells.Method | None) -> Cell:
    """What becomes of one cell."""
    name = method.name if method else PLAIN
    place = (kind, arch.name, model.name, name)
    try:
        workload = cells.job(model, method, devices=arch.spec.devices.count)
        result = simulate(arch, workload)
    except SimulatorError as error:
        outcome = "refused" if error.exit_code == INPUT_FAULT else "broken"
        return Cell(*place, outcome, None, None, str(error))
    except Exception as error:  # whatever nobody expects is what this looks for
        return Cell(*place, "broken", None, None, repr(error))
    faults = cells.faults(result, workload)
    return Cell(*place, "broken" if faults else "ran", result.tokens_per_s, result.tokens_per_j, "; ".join(faults))


def column(kind: str, model_name: str, methods: tuple[str, ...]) -> list[Cell]:
    """All cells of one model on one platform."""
    arch = load_arch(cells.platforms()[kind])
    model = cells.cut(cells.models()[model_name])
    wanted = [None, *cells.methods().values()]
    return [cell(kind, arch, model, m) for m in wanted if not methods or (m.name if m else PLAIN) in methods]


def columns(args: argparse.Namespace) -> Iterator[list[Cell]]:
    """The columns that are asked for, platform by platform."""
    jobs = [
        (kind, model, tuple(args.method))
        for kind in args.kind or cells.platforms()
        for model in args.model or cells.models()
    ]
    if args.jobs == 1:
        yield from (column(*job) for job in jobs)
        return
    with ProcessPoolExecutor(args.jobs) as pool:
        yield from pool.map(column, *zip(*jobs, strict=True), chunksize=4)


def reason(row: Cell) -> str:
    """The line of a refusal without what differs from model to model."""
    text = row.why.replace(row.model, "MODEL")
    text = re.sub(r"^memory: .*", "memory: it does not fit", text)
    return re.sub(r"\d+ heads", "N heads", text)


def summary(rows: list[Cell]) -> Iterator[str]:
    """Counts by kind of platform, then what cells were refused for."""
    outcomes = ("ran", "refused", "broken")
    yield f"| kind | platform | {' | '.join(outcomes)} |"
    yield "|---|---|---|---|---|"
    for kind in dict.fromkeys(row.kind for row in rows):
        inside = [row for row in rows if row.kind == kind]
        counts = Counter(row.outcome for row in inside)
        yield f"| {kind} | {inside[0].platform} | {' | '.join(str(counts[o]) for o in outcomes)} |"
    yield ""
    for text, count in Counter(reason(row) for row in rows if row.outcome == "refused").most_common():
        yield f"{count:6} {text}"


def main() -> int:
    """Run the cells, write the file, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("-j", "--jobs", type=int, default=1)
    for name, known in (("kind", cells.platforms()), ("model", cells.models()), ("method", [PLAIN, *cells.methods()])):
        parser.add_argument(f"--{name}", action="append", default=[], choices=list(known), metavar=name.upper())
    args: Any = parser.parse_args()
    rows: list[Cell] = []
    with args.out.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(Cell._fields)
        for found in columns(args):
            rows += found
            writer.writerows(found)
    sys.stdout.writelines(f"{line}\n" for line in summary(rows))
    return int(any(row.outcome == "broken" for row in rows))


if __name__ == "__main__":
    sys.exit(main())
