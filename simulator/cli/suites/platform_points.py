"""Measured decode points: the workload and the platform that each is, and what the simulator makes of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from simulator.cli.suites.base import Case
from simulator.cli.suites.platform_names import Names
from simulator.cli.suites.platform_table import Row, number, rows, whole
from simulator.errors import CapacityError, MappingError

if TYPE_CHECKING:
    from simulator.metrics.result import Result

TABLE = "measured_points.csv"
COLUMNS = (
    "id", "hardware", "platform", "n_devices", "model", "weight_precision", "framework", "batch", "input_len",
    "output_len", "metric", "tokens_per_s", "power_w", "power_kind", "source", "note",
)  # fmt: skip

E2E = "e2e_output"
ONE_BY_ONE = "per_token_n_batch_1"
MEASURED_POWER = frozenset({"board_avg_measured", "module_avg_measured", "board"})
"""Kinds of power that a simulated board's average can be held against; a wall's peak cannot."""

DEFAULT_PROMPT = 32
SHORT = "short"
DEFAULT_OUTPUT = 128
SAMPLED_STEPS = 2
MOST_WAVES = 64
THREADS = re.compile(r"(\d+) threads")


@dataclass(frozen=True)
class Point:
    """A row of the table as a platform with overrides and a workload."""

    row: Row
    platform: str
    overrides: tuple[str, ...]
    model: str
    weights: str
    batch: int
    prompt_tokens: int
    output_tokens: int

    def workload(self, batch: int) -> list[str]:
        """Overrides that make the default scenario this point with ``batch`` sequences."""
        eight_bit = "fp8" if self.weights == "fp8" else "fp16"
        kv_cache = "fp8" if self.weights == "fp8" else "fp16"
        return [
            f"model={self.model}",
            f"batch={batch}",
            f"prompt_tokens={self.prompt_tokens}",
            f"output_tokens={self.output_tokens}",
            f"sample_every={max(1, self.output_tokens // SAMPLED_STEPS)}",
            f"precision={{weights: {self.weights}, activations: {eight_bit}, kv_cache: {kv_cache}}}",
        ]


def cases(folder: Path, names: Names, done: Callable[[], None]) -> Iterator[Case]:
    """Cases of the folder's table: tokens/s of each point, and W where the board's average was measured."""
    path = folder / TABLE
    for line, row in rows(path, COLUMNS):
        _check(path, line, row)
        expected = number(path, line, row, "tokens_per_s")
        got, power_w, reason = _run(row, names)
        fitted = row["id"] in names.fitted
        yield _case(row, "tokens/s", expected, got, reason, fitted=fitted)
        if row["power_kind"] in MEASURED_POWER:
            yield _case(
                row, "W", number(path, line, row, "power_w"), power_w, reason, fitted=f"{row['id']} W" in names.fitted
            )
        done()


def _check(path: Path, line: int, row: Row) -> None:
    """Raises ConfigError for a number that is none."""
    for name in ("n_devices", "batch"):
        whole(path, line, row, name)
    whole(path, line, row, "output_len", DEFAULT_OUTPUT)
    if row["input_len"] != SHORT:
        whole(path, line, row, "input_len", DEFAULT_PROMPT)


def count(folder: Path) -> int:
    """How many rows the table has."""
    return len(rows(folder / TABLE, COLUMNS))


def _case(row: Row, what: str, expected: float, got: float | None, reason: str, *, fitted: bool) -> Case:  # noqa: PLR0913
    names = (row[key] for key in ("id", "hardware", "model", "weight_precision", "framework"))
    kind = "not run" if got is None else f"{what}, {'fitted' if fitted else 'predicted'}"
    return Case(
        case=f"{' | '.join(names)} | b{row['batch']}",
        expected=expected,
        got=got,
        kind=kind,
        source=row["source"],
        limit_pct=None,
        differences=(reason,) if reason else (),
        beside={"metric": what, "fitted": fitted},
    )


def point_of(row: Row, names: Names) -> Point | str:
    """The point that a row is, or why it cannot be run."""
    framework = names.framework(row["framework"], row["hardware"])
    if int(row["n_devices"]) != 1:
        return "several devices"
    for table, key in ((names.models, "model"), (names.weights, "weight_precision")):
        if row[key] not in table:
            return f"no {key} '{row[key]}'"
    platform = names.platform(row["hardware"], row["platform"])
    if platform is None:
        return f"no hardware '{row['hardware']}'"
    if framework is None and row["framework"]:
        return f"no framework '{row['framework']}'"
    overrides = (
        [] if framework is None or framework.stack is None else [f"components.stack.use=stacks/{framework.stack}"]
    )
    threads = THREADS.search(row["note"])
    if threads:
        overrides.append(f"components.cpu.threads={threads[1]}")
    per_token = row["metric"] == ONE_BY_ONE
    output = int(row["output_len"] or DEFAULT_OUTPUT)
    prompt = int(row["input_len"]) if row["input_len"].isdecimal() else DEFAULT_PROMPT
    return Point(
        row=row,
        platform=platform,
        overrides=tuple(overrides),
        model=names.models[row["model"]],
        weights=names.weights[row["weight_precision"]],
        batch=int(row["batch"]),
        prompt_tokens=1 if per_token else prompt,
        output_tokens=prompt + output - 1 if per_token else output,
    )


def rates(point: Point, overrides: tuple[str, ...] = ()) -> tuple[float, float | None]:
    """(tokens/s as the point counts them, W of the decode stage), with more overrides of the platform."""
    batch, result = simulated(point, overrides)
    if point.row["metric"] == E2E:
        return batch * point.output_tokens / result.latency.e2e_s, result.power_w
    return result.tokens_per_s or 0.0, result.power_w


def _run(row: Row, names: Names) -> tuple[float | None, float | None, str]:
    """(tokens/s, W, why there are none)."""
    point = point_of(row, names)
    if isinstance(point, str):
        return None, None, point
    try:
        rate, power_w = rates(point)
    except MappingError as error:
        return None, None, str(error)
    return rate, power_w, ""


def simulated(point: Point, overrides: tuple[str, ...] = ()) -> tuple[int, Result]:
    """(sequences that run at a time, result).

    More sequences than fit the memory run in waves of equal size, which have the rate of one.
    """
    from simulator import api

    arch = api.load_arch(point.platform, [*point.overrides, *overrides])
    for waves in range(1, MOST_WAVES):
        batch = -(-point.batch // waves)
        try:
            return batch, api.simulate(arch, api.load_workload("decode_512", point.workload(batch)))
        except CapacityError:
            if batch == 1:
                raise
    raise CapacityError(f"not even a {MOST_WAVES}th of the sequences fits {point.platform}")
