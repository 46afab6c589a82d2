"""Several results side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from simulator.metrics.result import STATIC, Result
from simulator.report import cost_view
from simulator.report.bars import REST, StackedBar, Swatch, largest
from simulator.report.comparison import Comparison, Entry
from simulator.report.evidence import Run
from simulator.report.money import Money
from simulator.report.numbers import NONE, percent, plain, share_of_memory, si
from simulator.report.winners import sentence

SHOWN_PARTS = 9
FIGURES = ("tokens/s", "TPOT", "TTFT", "power", "tokens/J")


def view(comparison: Comparison) -> Group:
    """A table of the figures, who wins, what tokens cost, and where the time and the energy of decode steps go."""
    entries, money = comparison.entries, comparison.money
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("run", no_wrap=True)
    for name in (*FIGURES, *(["$/M tokens"] if money else [])):
        table.add_column(name, justify="right", no_wrap=True)
    for entry in entries:
        table.add_row(*_cells(entry, money))
    errors = [Text(f"{entry.name}: {entry.error}", style="red") for entry in entries if entry.result is None]
    runs = comparison.runs
    if not runs:
        return Group(table, *errors)
    answers = [Text(sentence(winner)) for winner in comparison.winners]
    bought: list[RenderableType] = [Text(""), cost_view.view(money.appraisal)] if money else []
    bars = _bars({run.name: run.result for run in runs})
    return Group(table, *errors, Text(""), _reasons(runs), Text(""), *answers, *bought, *bars)


def _cells(entry: Entry, money: Money | None) -> list[Text]:
    run = entry.run
    if run is None:
        return [Text(entry.name, style="bold"), Text(entry.verdict, style="red")]
    result = run.result
    cells = [
        Text(entry.name, style="bold"),
        Text(plain(result.tokens_per_s), style="bold"),
        Text(si(result.latency.tpot_s, "s")),
        Text(si(result.latency.ttft_s, "s")),
        Text(si(result.power_w, "W")),
        Text(plain(result.tokens_per_j), style="bold"),
    ]
    if money is None:
        return cells
    cost = money.of(run)
    return [*cells, Text(plain(cost.usd_per_million_tokens if cost else None), style="bold")]


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
