"""Measured decode points: the workload and the platform that each is, and what the simulator makes of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from simulator.cli.suites.base import Case
from simulator.cli.suites.platform_names import Framework, Names
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
AT_REST = "static"
"""Op kind under which a result files what flows whether or not anything runs."""
HOLDERS = 2
"""Resources that a case names as what held it."""
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


@dataclass(frozen=True)
class Outcome:
    """What the simulator makes of a point: tokens/s, W, the platform's family and what held the decode stage."""

    tokens_per_s: float
    power_w: float | None
    family: str
    held_by: str


def cases(folder: Path, names: Names, done: Callable[[], None]) -> Iterator[Case]:
    """Cases of the folder's table: tokens/s of each point, and W where the board's average was measured."""
    path = folder / TABLE
    for line, row in rows(path, COLUMNS):
        _check(path, line, row)
        expected = number(path, line, row, "tokens_per_s")
        found = _run(row, names)
        yield _case(row, "tokens/s", expected, found, fitted=row["id"] in names.fitted)
        if row["power_kind"] in MEASURED_POWER:
            power_w = number(path, line, row, "power_w")
            yield _case(row, "W", power_w, found, fitted=f"{row['id']} W" in names.fitted)
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


def _case(row: Row, what: str, expected: float, found: Outcome | str, *, fitted: bool) -> Case:
    names = (row[key] for key in ("id", "hardware", "model", "weight_precision", "framework"))
    devices = "" if row["n_devices"] == "1" else f" | {row['n_devices']} devices"
    got: float | None = None
    differences: tuple[str, ...] = ()
    beside: dict[str, str] = {}
    if isinstance(found, str):
        differences = (found,)
    else:
        got = found.power_w if what == "W" else found.tokens_per_s
        beside = {"family": found.family, "held_by": found.held_by}
    return Case(
        case=f"{' | '.join(names)} | b{row['batch']}{devices}",
        expected=expected,
        got=got,
        kind="not run" if got is None else f"{what}, {'fitted' if fitted else 'predicted'}",
        source=row["source"],
        limit_pct=None,
        basis="fit" if fitted else "prediction",
        differences=differences,
        beside={"metric": what, "fitted": fitted, "id": row["id"], **beside},
    )


def point_of(row: Row, names: Names) -> Point | str:
    """The point that a row is, or why it cannot be run."""
    framework = names.framework(row["framework"], row["hardware"])
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
    overrides += _several(int(row["n_devices"]) * names.devices.get(row["hardware"], 1), framework)
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


def _several(devices: int, framework: Framework | None) -> list[str]:
    """Overrides that spread a model over ``devices`` as ``framework`` does."""
    if devices == 1:
        return []
    how = framework.several if framework else "tensor"
    head = framework.head if framework else "dealt_out"
    return [f"devices.count={devices}", f"parallelism.{how}={devices}", f"parallelism.head={head}"]


def outcome(point: Point, overrides: tuple[str, ...] = (), tail_s: float = 0.0) -> Outcome:
    """The point as it counts its tokens, with more overrides of the platform. Raises MappingError.

    Where it counts the whole run its power is that of the whole run and of ``tail_s`` on the idle board after it.
    """
    batch, result = simulated(point, overrides)
    rate, power_w = result.tokens_per_s or 0.0, result.power_w
    if point.row["metric"] == E2E:
        rate = batch * point.output_tokens / result.latency.e2e_s
        power_w = mean_power_w(result, -(-point.batch // batch), tail_s)
    return Outcome(rate, power_w, result.arch.values["family"], held_by(result))


def mean_power_w(result: Result, runs: int, tail_s: float) -> float:
    """Power averaged over ``runs`` equal runs, prompts included, and ``tail_s`` at rest after the last."""
    e2e_s = result.latency.e2e_s
    rest_w = sum(parts.get(AT_REST, 0.0) for parts in result.energy_by_op_kind_j.values()) / e2e_s
    return (runs * result.energy_j.total + tail_s * rest_w) / (runs * e2e_s + tail_s)


def held_by(result: Result) -> str:
    """What held the decode stage, by share of its time: op kinds under the resource that held each longest."""
    times = result.time_by_op_kind_s.get("decode", {})
    total = sum(times.values())
    shares: dict[str, float] = {}
    for kind, time_s in times.items():
        resource = result.bound_by.get(kind, kind)
        shares[resource] = shares.get(resource, 0.0) + time_s / total
    largest = sorted(shares.items(), key=lambda item: -item[1])[:HOLDERS]
    return ", ".join(f"{resource} {100 * share:.0f} %" for resource, share in largest)


def _run(row: Row, names: Names) -> Outcome | str:
    """What the simulator makes of a row, or why it cannot run it."""
    point = point_of(row, names)
    if isinstance(point, str):
        return point
    try:
        return outcome(point, tail_s=names.tail_s(row["source"]))
    except MappingError as error:
        return str(error)


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
