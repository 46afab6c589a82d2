"""Who wins: the best run by tokens/s, by tokens/J, and under a power cap."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from simulator.metrics.result import Result
from simulator.report.evidence import Run
from simulator.report.numbers import percent, plain, si


@dataclass(frozen=True)
class Winner:
    """The answer to one question. ``run`` is None when nobody qualifies; ``margin``: over the next design."""

    question: str
    run: Run | None
    figure: str
    margin: str = ""

    @property
    def reason(self) -> str:
        """What held it."""
        return "" if self.run is None else why(self.run)


def why(run: Run) -> str:
    """What held a run for most of its time, in words."""
    held = run.held_by
    return f"held by {held[0]} for {percent(held[1])} of the time" if held else "no limit is known"


def winners(runs: Sequence[Run], max_power_w: float | None) -> list[Winner]:
    """Best by tokens/s, by tokens/J and, with a cap, by tokens/s among those that draw at most ``max_power_w``."""
    found = [
        _best("Most tokens/s", runs, lambda r: r.tokens_per_s, "tokens/s"),
        _best("Most tokens/J", runs, lambda r: r.tokens_per_j, "tokens/J"),
    ]
    if max_power_w is not None:
        within = [run for run in runs if run.result.power_w is not None and run.result.power_w <= max_power_w]
        found.append(
            _best(f"Most tokens/s within {si(max_power_w, 'W')}", within, lambda r: r.tokens_per_s, "tokens/s")
        )
    return found


def _best(question: str, runs: Sequence[Run], figure: Callable[[Result], float | None], unit: str) -> Winner:
    ranked = sorted(
        ((value, run) for run in runs if (value := figure(run.result)) is not None),
        key=lambda item: (-item[0], item[1].name),
    )
    if not ranked:
        return Winner(question, None, "no run qualifies")
    value, best = ranked[0]
    other = next(((v, run) for v, run in ranked if run.design != best.design), None)
    margin = f"{plain(value / other[0])} x {other[1].label}" if other and other[0] > 0 else ""
    return Winner(question, best, f"{plain(value)} {unit}", margin)


def sentence(winner: Winner) -> str:
    """The answer in one line."""
    if winner.run is None:
        return f"{winner.question}: {winner.figure}"
    margin = f", {winner.margin}" if winner.margin else ""
    return f"{winner.question}: {winner.run.label}, {winner.figure}{margin}; {winner.reason}"
