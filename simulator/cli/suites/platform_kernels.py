"""Measured kernels: single products, row-wise ops and collectives, by their shapes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from simulator.cli.suites.base import Case
from simulator.cli.suites.platform_names import Names
from simulator.cli.suites.platform_shapes import DECODE, PREFILL, Kernel, shape_of
from simulator.cli.suites.platform_table import Row, number, rows
from simulator.errors import MappingError

if TYPE_CHECKING:
    from simulator.api import Arch

TABLE = "llmcompass_measured_kernels.csv"
COLUMNS = ("hardware", "kernel", "shape", "latency_us", "source")


def cases(folder: Path, names: Names, done: Callable[[], None]) -> Iterator[Case]:
    """One case for each row: its latency in us."""
    path = folder / TABLE
    archs: dict[str, Arch] = {}
    table = rows(path, COLUMNS)
    decode = decode_shapes(row for _, row in table)
    for line, row in table:
        expected = number(path, line, row, "latency_us")
        case = f"{row['hardware']} | {row['kernel']} | {row['shape']}"
        got, held_by, reason = _run(archs, names, row["hardware"], kernel_of(row, decode))
        fitted = case in names.fitted
        yield Case(
            case=case,
            expected=expected,
            got=got,
            kind="not run" if got is None else f"kernel us, {'fitted' if fitted else 'predicted'}",
            source=row["source"],
            limit_pct=None,
            basis="fit" if fitted else "prediction",
            differences=(reason,) if reason else (),
            beside={
                "metric": "us",
                "fitted": fitted,
                "id": case,
                "family": archs[row["hardware"]].spec.family if got is not None else None,
                "held_by": held_by,
            },
        )
        done()


def count(folder: Path) -> int:
    """How many rows the table has; 0 without a table."""
    return len(rows(folder / TABLE, COLUMNS)) if (folder / TABLE).is_file() else 0


def decode_shapes(table: Iterator[Row]) -> dict[tuple[str, str], str]:
    """(hardware, kernel of a layer) -> its shape in decode."""
    return {
        (row["hardware"], row["kernel"].removesuffix(DECODE)): row["shape"]
        for row in table
        if row["kernel"].endswith(DECODE)
    }


def kernel_of(row: Row, decode: dict[tuple[str, str], str]) -> Kernel | None:
    """What a row measured, if it is modelled."""
    same = decode.get((row["hardware"], row["kernel"].removesuffix(PREFILL)), "")
    return shape_of(row["kernel"], row["shape"], same)


def load(names: Names, hardware: str, *overrides: str) -> Arch:
    """The platform of ``hardware`` under the stack that its kernels were timed with."""
    from simulator import api

    own = [f"components.stack.use=stacks/{names.kernels[hardware]}", *overrides]
    if hardware in names.devices:
        own.append(f"devices.count={names.devices[hardware]}")
    return api.load_arch(names.hardware[hardware], own)


def _run(archs: dict[str, Arch], names: Names, hardware: str, kernel: Kernel | None) -> tuple[float | None, str, str]:
    """(latency in us, what held it, why there is none)."""
    from simulator import api

    if hardware not in names.kernels or hardware not in names.hardware:
        return None, "", f"no hardware '{hardware}'"
    if kernel is None:
        return None, "", "whole layers, and attention over a prompt by itself"
    if hardware not in archs:
        archs[hardware] = load(names, hardware)
    try:
        done = api.run_op(archs[hardware], kernel.kind, kernel.size, batch=kernel.vectors)
    except MappingError as error:
        return None, "", str(error)
    return kernel.times * done["time_ps"] * 1e-6, done["bound_by"], ""
