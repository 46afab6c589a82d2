"""Fit the calibrations of software stacks: one key after the other, each to the points that fits/platforms.yaml names.

Writes each value and a `calibrations` entry with its points and error into the YAML of the stack, and the points into
the data's `fitted` list, so that `nearbank validate --suite platforms` reports them apart.

Usage: fit_platforms.py [STACK...]
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from simulator import api
from simulator.cli.suites import platform_kernels, platform_points
from simulator.cli.suites.platform_names import Names, read_names
from simulator.cli.suites.platform_shapes import shape_of
from simulator.cli.suites.platform_table import rows

HERE = Path(__file__).parent
DATA = HERE / "data" / "platforms"
STACKS = HERE.parents[1] / "arch_configs" / "units" / "stacks"
STEPS = 14
"""Halvings of the range; the figure of every key falls or rises throughout."""


def ratio(point: str, names: Names, override: str) -> float:
    """Simulated over measured speed of a point with one more override."""
    if not re.fullmatch(r"M\d+", point):
        return kernel_ratio(point, names, override)
    row = next(row for _, row in rows(DATA / platform_points.TABLE, ()) if row["id"] == point)
    found = platform_points.point_of(row, names)
    if isinstance(found, str):
        raise SystemExit(f"{point}: {found}")
    return platform_points.outcome(found, (override,)).tokens_per_s / float(row["tokens_per_s"])


def kernel_ratio(case: str, names: Names, override: str) -> float:
    """Measured over simulated time of a kernel."""
    hardware, kernel, shape = case.split(" | ")
    row = next(
        row
        for _, row in rows(DATA / platform_kernels.TABLE, ())
        if (row["hardware"], row["kernel"], row["shape"]) == (hardware, kernel, shape)
    )
    op = shape_of(kernel, shape)
    if op is None:
        raise SystemExit(f"{case}: not modelled")
    arch = platform_kernels.load(names, hardware, override)
    done = api.run_op(arch, op.kind, op.size, batch=op.vectors)
    return float(row["latency_us"]) / (op.times * done["time_ps"] * 1e-6)


def solved(figure: Callable[[float], float], low: float, high: float) -> tuple[float, float]:
    """(value, log of the figure there): where the figure is 1, or the better end of a range in which it never is."""
    ends = {value: math.log(figure(value)) for value in (low, high)}
    if ends[low] * ends[high] > 0:
        best = min(ends, key=lambda value: abs(ends[value]))
        return best, ends[best]
    rising = ends[high] > 0
    for _ in range(STEPS):
        middle = math.sqrt(low * high)
        found = math.log(figure(middle))
        low, high = (low, middle) if (found > 0) == rising else (middle, high)
    return middle, found


def _key(name: str) -> str:
    return f'"{name}"' if name.isdigit() else name


def edit(stack: str, key: str, value: float, fit: dict[str, Any], error: float) -> None:
    """Write the value and its calibration entry into the stack's file."""
    path = STACKS / f"{stack}.yaml"
    text, (head, _, entry) = path.read_text(), key.partition(".")
    line = f"{head}: {value:g}"
    if entry:
        found = re.search(rf"^{head}: (.*)$", text, re.MULTILINE)
        if found is None:
            raise SystemExit(f"{path.name} has no {head}")
        shown = {str(name): old for name, old in yaml.safe_load(found[1]).items()} | {entry: value}
        line = f"{head}: {{{', '.join(f'{_key(name)}: {old:g}' for name, old in shown.items())}}}"
    text = re.sub(rf"^{head}: .*$", line, text, flags=re.MULTILINE)
    text = re.sub(rf"^  - name: {re.escape(stack)}\.{re.escape(key)}\n(    .*\n)*", "", text, flags=re.MULTILINE)
    if "\ncalibrations:" not in text:
        text += "calibrations:\n"
    points = ", ".join(fit["points"])
    text += f"  - name: {stack}.{key}\n    value: {value:g}\n    fitted_to: '{points}; {error:+.1f} % there'\n"
    text += "    source: experiments/validation/fit_platforms.py\n"
    path.write_text(text)


def main(only: list[str]) -> None:
    """Fit all keys, or those of some stacks."""
    fits = yaml.safe_load((HERE / "fits" / "platforms.yaml").read_text())
    names = read_names(DATA)
    for fit in fits:
        if "by_hand" in fit or (only and fit["stack"] not in only):
            continue
        stack, key = fit["stack"], fit["key"]

        def figure(value: float, fit: dict[str, Any] = fit) -> float:
            found = [ratio(p, names, f"components.stack.{fit['key']}={value:g}") for p in fit["points"]]
            return math.prod(found) ** (1 / len(found))

        value, left = solved(figure, *fit["range"])
        value = float(f"{value:.3g}")
        edit(stack, key, value, fit, 100 * (math.exp(left) - 1))
        print(
            f"{stack}.{key} = {value:g} ({100 * (math.exp(left) - 1):+.1f} % at {', '.join(fit['points'])})", flush=True
        )
    listed = "".join(f'  - "{point}"\n' for fit in fits for point in fit["points"])
    path = DATA / "names.yaml"
    path.write_text(re.sub(r"^fitted:.*\n(  - .*\n)*", f"fitted:\n{listed}", path.read_text(), flags=re.MULTILINE))


if __name__ == "__main__":
    main(sys.argv[1:])
