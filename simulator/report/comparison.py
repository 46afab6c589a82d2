"""A comparison: runs side by side, what their tokens cost, and who wins; as data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from simulator.hooks import IssuedCommand
from simulator.metrics.result import Result
from simulator.report.cost_view import document as cost_document
from simulator.report.evidence import Run
from simulator.report.money import Money, Terms, price
from simulator.report.winners import Winner, of_run, winners

SCHEMA = "nearbank.comparison/1"


@dataclass(frozen=True)
class Entry:
    """One run of a comparison; ``error`` says why there is no result.

    ``design``: its name at any batch size. ``command``: what runs it alone. ``verdict``: the error in short.
    ``issued``: the DRAM commands of a short time by memory.
    """

    name: str
    design: str
    result: Result | None
    error: str | None = None
    command: str | None = None
    verdict: str = "does not fit"
    issued: Mapping[str, Sequence[IssuedCommand]] = field(default_factory=dict)

    @property
    def run(self) -> Run | None:
        """The run, where there is a result."""
        if self.result is None:
            return None
        return Run(self.name, self.design, self.result, command=self.command, issued=self.issued)


@dataclass(frozen=True)
class Comparison:
    """``command``: what makes it again. ``max_power_w``: the power cap that it is judged under. ``terms``: prices."""

    entries: Sequence[Entry]
    command: str | None = None
    max_power_w: float | None = None
    terms: Terms | None = None

    @cached_property
    def runs(self) -> list[Run]:
        """What has a result."""
        return [run for entry in self.entries if (run := entry.run) is not None]

    @cached_property
    def money(self) -> Money | None:
        """What the tokens cost. Raises ConfigError where prices were given and none is of a run."""
        return price(self.terms, self.runs) if self.terms and self.runs else None

    @cached_property
    def winners(self) -> list[Winner]:
        """Who is best, question by question."""
        return winners([of_run(run, self.money) for run in self.runs], self.max_power_w)


def document(comparison: Comparison) -> dict[str, Any]:
    """The comparison as data, schema ``nearbank.comparison/1``; full results lie in ``<name>/result.json``."""
    found = [
        {
            "question": winner.question,
            "name": winner.best.name if winner.best else None,
            "reason": winner.best.reason if winner.best else None,
        }
        for winner in comparison.winners
    ]
    money, terms = comparison.money, comparison.terms
    priced = {"terms": terms.document(), **cost_document(money.appraisal)} if money and terms else None
    return {
        "schema": SCHEMA,
        "command": comparison.command,
        "max_power_w": comparison.max_power_w,
        "runs": [_row(entry, money) for entry in comparison.entries],
        "winners": found,
    } | ({"money": priced} if priced else {})


def _row(entry: Entry, money: Money | None) -> dict[str, Any]:
    run = entry.run
    if run is None:
        return {"name": entry.name, "design": entry.design, "error": entry.error}
    result, held = run.result, run.held_by
    row = {
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
    return row | ({} if money is None else _priced(run, money))


def _priced(run: Run, money: Money) -> dict[str, Any]:
    """Dollars of a million tokens and months to pay off; None for what is not known."""
    cost, loaded = money.of(run), money.loaded(run)
    return {
        "usd_per_million_tokens": cost.usd_per_million_tokens if cost else None,
        "payback_months": loaded.payback_months if loaded else None,
    }
