"""Who wins: by tokens/s, by tokens/J, by what tokens cost, under a power cap; of runs and of points of a sweep."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from simulator.report.evidence import Run, Scalar, SweepTable, held
from simulator.report.money import Money
from simulator.report.numbers import percent, plain, si


@dataclass(frozen=True)
class Candidate:
    """What may win. ``group``: those of the same group do not count as its rivals. ``usd``: of a million tokens."""

    name: str
    label: str
    group: str
    tokens_per_s: float | None
    tokens_per_j: float | None
    power_w: float | None
    reason: str
    usd: float | None = None


@dataclass(frozen=True)
class Winner:
    """The answer to one question. ``best`` is None when nobody qualifies; ``margin``: over the next rival."""

    question: str
    best: Candidate | None
    figure: str
    margin: str = ""


def of_run(run: Run, money: Money | None = None) -> Candidate:
    """A run as a candidate; its rivals are other designs."""
    result = run.result
    figures = (result.tokens_per_s, result.tokens_per_j, result.power_w)
    cost = money.of(run) if money else None
    usd = cost.usd_per_million_tokens if cost else None
    return Candidate(run.name, run.label, run.design, *figures, why(run.held_by), usd)


def of_point(row: dict[str, Scalar], axes: Sequence[str], position: int) -> Candidate:
    """A point of a sweep as a candidate, called by its settings."""
    prefix = "time_by_op_kind_s.decode."
    time = {
        column.removeprefix(prefix): value
        for column, value in row.items()
        if column.startswith(prefix) and isinstance(value, int | float)
    }
    limits = {kind: str(row[f"bound_by.{kind}"]) for kind in time if row.get(f"bound_by.{kind}") is not None}
    label = ", ".join(f"{axis.rpartition('.')[2]} {row.get(axis)}" for axis in axes)
    return Candidate(
        str(row.get("point", position)),
        label,
        str(position),
        _number(row.get("tokens_per_s")),
        _number(row.get("tokens_per_j")),
        _number(row.get("power_w")),
        why(held(time, limits)),
    )


def _number(value: Scalar) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def candidates(sweep: SweepTable) -> list[Candidate]:
    """The points that were simulated."""
    rows = [dict(row) for row in sweep.rows if row.get("status") == "done"]
    axes = [axis for axis in sweep.axes if len({str(row.get(axis)) for row in rows}) > 1]
    return [of_point(row, axes, position) for position, row in enumerate(rows)]


def why(found: tuple[str, float] | None) -> str:
    """What held somebody for most of the time, in words."""
    return f"held by {found[0]} for {percent(found[1])} of the time" if found else "no limit is known"


def winners(among: Sequence[Candidate], max_power_w: float | None) -> list[Winner]:
    """Best by tokens/s and by tokens/J; with prices, the cheapest tokens; with a cap, the best by tokens/s within it.

    Those within the cap draw at most ``max_power_w``.
    """
    speed = [(one.tokens_per_s, one) for one in among if one.tokens_per_s is not None]
    found = [
        _best("Most tokens/s", speed, "tokens/s"),
        _best("Most tokens/J", [(one.tokens_per_j, one) for one in among if one.tokens_per_j is not None], "tokens/J"),
    ]
    priced = [(-one.usd, one) for one in among if one.usd is not None]
    if priced:
        found.append(_best("Cheapest tokens", priced, "$/M tokens"))
    if max_power_w is not None:
        within = [(value, one) for value, one in speed if one.power_w is not None and one.power_w <= max_power_w]
        found.append(_best(f"Most tokens/s within {si(max_power_w, 'W')}", within, "tokens/s"))
    return found


def _best(question: str, among: Sequence[tuple[float, Candidate]], unit: str) -> Winner:
    """The candidate with the largest value; values below 0 are figures of which the least is best."""
    ranked = sorted(among, key=lambda item: (-item[0], item[1].name))
    if not ranked:
        return Winner(question, None, "none qualifies")
    value, best = ranked[0]
    other = next(((figure, one) for figure, one in ranked if one.group != best.group), None)
    margin = f"{plain(value / other[0])} x {other[1].label}" if other and other[0] else ""
    return Winner(question, best, f"{plain(abs(value))} {unit}", margin)


def sentence(winner: Winner) -> str:
    """The answer in one line."""
    if winner.best is None:
        return f"{winner.question}: {winner.figure}"
    margin = f", {winner.margin}" if winner.margin else ""
    return f"{winner.question}: {winner.best.label}, {winner.figure}{margin}; {winner.best.reason}"
