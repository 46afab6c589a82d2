"""Several results side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from simulator.metrics.result import STATIC, Result
from simulator.report.bars import REST, StackedBar, Swatch, largest
from simulator.report.evidence import Run
from simulator.report.numbers import NONE, percent, plain, share_of_memory, si
from simulator.report.winners import of_run, sentence, winners

SCHEMA = "nearbank.comparison/1"
SHOWN_PARTS = 9


@dataclass(frozen=True)
class Entry:
    """One run of a comparison; ``error`` says why there is no result.

    ``design``: its name at any batch size. ``command``: what runs it alone. ``verdict``: the
    error in short.
    """

    name: str
    design: str
    result: Result | None
    error: str | None = None
    command: str | None = None
    verdict: str = "does not fit"


def document(
    entries: Sequence[Entry], *, command: str | None = None, max_power_w: float | None = None
) -> dict[str, Any]:
    """The comparison as data, schema ``nearbank.comparison/1``; full results lie in ``<name>/result.json``.

    ``command``: what makes it again. ``max_power_w``: the power cap that it is judged under.
    """
    found = [
        {
            "question": winner.question,
            "name": winner.best.name if winner.best else None,
            "reason": winner.best.reason if winner.best else None,
        }
        for winner in winners([of_run(run) for run in _runs(entries)], max_power_w)
    ]
    return {
        "schema": SCHEMA,
        "command": command,
        "max_power_w": max_power_w,
        "runs": [_row(entry) for entry in entries],
        "winners": found,
    }


def _runs(entries: Sequence[Entry]) -> list[Run]:
    return [Run(entry.name, entry.design, entry.result) for entry in entries if entry.result is not None]


def _row(entry: Entry) -> dict[str, Any]:
    result = entry.result
    if result is None:
        return {"name": entry.name, "design": entry.design, "error": entry.error}
    held = Run(entry.name, entry.design, result).held_by
    return {
        "name": entry.name,
        "design": entry.design,
        "command": entry.command,
        "held_by": None if held is None else {"resource": held[0], "share": held[1]},
        "arch": result.arch.name,
        "workload": result.workload.name,
        "batch": result.workload.values["batch"],
        "tokens_per_s": result.tokens_per_s,
        "tokens_per_j": result.tokens_per_j,
        "power_w": result.power_w,
        "edp_j_s": result.edp_j_s,
        "latency": result.latency.model_dump(),
        "capacity": result.capacity.model_dump(),
        "energy_j": result.energy_j.total,
    }


def view(entries: Sequence[Entry], max_power_w: float | None = None) -> Group:
    """A table of the figures, who wins, and for each run where the time and the energy of its decode steps go."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("run", no_wrap=True)
    for name in ("tokens/s", "TPOT", "TTFT", "power", "tokens/J"):
        table.add_column(name, justify="right", no_wrap=True)
    for entry in entries:
        table.add_row(*_cells(entry))
    errors = [Text(f"{entry.name}: {entry.error}", style="red") for entry in entries if entry.result is None]
    results = {entry.name: entry.result for entry in entries if entry.result is not None}
    runs = _runs(entries)
    if not runs:
        return Group(table, *errors)
    answers = [Text(sentence(winner)) for winner in winners([of_run(run) for run in runs], max_power_w)]
    return Group(table, *errors, Text(""), _reasons(runs), Text(""), *answers, *_bars(results))


def _cells(entry: Entry) -> list[Text]:
    result = entry.result
    if result is None:
        return [Text(entry.name, style="bold"), Text(entry.verdict, style="red")]
    return [
        Text(entry.name, style="bold"),
        Text(plain(result.tokens_per_s), style="bold"),
        Text(si(result.latency.tpot_s, "s")),
        Text(si(result.latency.ttft_s, "s")),
        Text(si(result.power_w, "W")),
        Text(plain(result.tokens_per_j), style="bold"),
    ]


def _reasons(runs: Sequence[Run]) -> Table:
    """What held each run, and how much of the memory it takes."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for name in ("run", "held by", "of the time", "memory"):
        table.add_column(name, no_wrap=name == "run", justify="right" if name == "of the time" else "left")
    for run in runs:
        held, capacity = run.held_by, run.result.capacity
        table.add_row(
            Text(run.name, style="bold"),
            held[0] if held else NONE,
            percent(held[1]) if held else NONE,
            share_of_memory(capacity.needed_bytes, capacity.available_bytes),
        )
    return table


def _bars(results: dict[str, Result]) -> list[RenderableType]:
    time = {name: result.time_by_op_kind_s["decode"] for name, result in results.items()}
    energy = {name: result.energy_by_op_kind_j["decode"] for name, result in results.items()}
    return [*_stack("time of a decode step", time), *_stack("energy of a decode step", energy)]


def _stack(title: str, parts: dict[str, dict[str, float]]) -> list[RenderableType]:
    shares: dict[str, float] = {}
    for by_kind in parts.values():
        total = sum(by_kind.values())
        for kind, value in by_kind.items():
            shares[kind] = shares.get(kind, 0.0) + value / total
    static = shares.pop(STATIC, None)
    kinds = [*largest(shares, SHOWN_PARTS), *([STATIC] if static else [])]
    if not kinds:
        return []
    names = (*kinds, REST) if len(shares) > SHOWN_PARTS else tuple(kinds)
    grid = Table.grid(padding=(0, 1, 0, 0), expand=True)
    grid.add_column(no_wrap=True)
    grid.add_column(ratio=1)
    for name, by_kind in parts.items():
        shown = [by_kind.get(kind, 0.0) for kind in kinds]
        grid.add_row(name, StackedBar((*shown, max(0.0, sum(by_kind.values()) - sum(shown)))))
    return [Text(f"\n{title}", style="dim"), grid, Legend(names)]


@dataclass(frozen=True)
class Legend:
    """The key of a stacked bar, in as many lines as it takes."""

    names: tuple[str, ...]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Rich's protocol."""
        line = Text()
        for position, name in enumerate(self.names):
            entry = Swatch(position).text(console, options).append(f" {name}", style="")
            if line and len(line) + 2 + len(entry) > options.max_width:
                yield line
                line = Text()
            line.append("  " if line else "").append_text(entry)
        yield line
