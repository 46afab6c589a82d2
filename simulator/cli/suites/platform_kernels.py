"""Measured kernels: single products and row-wise ops, by their shapes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from simulator.cli.suites.base import Case
from simulator.cli.suites.platform_names import Names
from simulator.cli.suites.platform_table import number, rows
from simulator.errors import MappingError

if TYPE_CHECKING:
    from simulator.api import Arch

TABLE = "llmcompass_measured_kernels.csv"
COLUMNS = ("hardware", "kernel", "shape", "latency_us", "source")
MATMUL = re.compile(r"M=(\d+),K=(\d+),N=(\d+)")
ROWS = re.compile(r"(\d+)x(\d+)")
FLAT = re.compile(r"(\d+)")

Shape = tuple[str, tuple[int, int], int]
"""(op kind, (outputs, inputs), vectors)."""


def shape_of(kernel: str, shape: str) -> Shape | None:
    """The op that a kernel of the table is; None for one that is not modelled."""
    if kernel == "matmul" and (match := MATMUL.fullmatch(shape)):
        m, k, n = (int(group) for group in match.groups())
        return "gemm", (n, k), m
    if kernel in {"softmax", "layernorm"} and (match := ROWS.fullmatch(shape)):
        return kernel, (int(match[1]), int(match[2])), 1
    if kernel == "gelu" and (match := FLAT.fullmatch(shape)):
        return kernel, (1, int(match[1])), 1
    return None


def cases(folder: Path, names: Names, done: Callable[[], None]) -> Iterator[Case]:
    """One case for each row: its latency in us."""
    path = folder / TABLE
    archs: dict[str, Arch] = {}
    for line, row in rows(path, COLUMNS):
        expected = number(path, line, row, "latency_us")
        case = f"{row['hardware']} | {row['kernel']} | {row['shape']}"
        got, reason = _run(archs, names, row["hardware"], shape_of(row["kernel"], row["shape"]))
        fitted = case in names.fitted
        yield Case(
            case=case,
            expected=expected,
            got=got,
            kind="not run" if got is None else f"kernel us, {'fitted' if fitted else 'predicted'}",
            source=row["source"],
            limit_pct=None,
            differences=(reason,) if reason else (),
            beside={"metric": "us", "fitted": fitted},
        )
        done()


def count(folder: Path) -> int:
    """How many rows the table has; 0 without a table."""
    return len(rows(folder / TABLE, COLUMNS)) if (folder / TABLE).is_file() else 0


def _run(archs: dict[str, Arch], names: Names, hardware: str, shape: Shape | None) -> tuple[float | None, str]:
    """(latency in us, why there is none)."""
    from simulator import api

    if shape is None:
        return None, "kernels of several devices, collectives and whole layers"
    if hardware not in names.kernels or hardware not in names.hardware:
        return None, f"no hardware '{hardware}'"
    arch = archs.get(hardware)
    if arch is None:
        overrides = [f"components.stack.use=stacks/{names.kernels[hardware]}"]
        arch = archs[hardware] = api.load_arch(names.hardware[hardware], overrides)
    kind, size, vectors = shape
    try:
        return api.run_op(arch, kind, size, batch=vectors)["time_ps"] * 1e-6, ""
    except MappingError as error:
        return None, str(error)
