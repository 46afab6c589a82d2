"""The first screen: who wins, and why."""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape

from simulator.report.evidence import Evidence, Run
from simulator.report.numbers import plain, share_of_memory, si
from simulator.report.page.html import table
from simulator.report.pictures.picture import Table
from simulator.report.winners import Winner, why, winners

COLUMNS = ("run", "tokens/s", "TPOT (ms)", "TTFT (ms)", "power (W)", "tokens/J", "memory", "held by")


def heading(evidence: Evidence) -> str:
    """What was compared, in one line."""
    runs = evidence.runs
    if not runs:
        return ", ".join(f"Sweep {sweep.name}" for sweep in evidence.sweeps)
    designs = list(dict.fromkeys(run.design for run in runs))
    models = list(dict.fromkeys(_model(run) for run in runs))
    batches = sorted({run.batch for run in runs})
    many = f"{len(designs)} designs" if len(designs) > 1 else designs[0]
    return f"{many} on {' and '.join(models)}, batch {' and '.join(map(str, batches))}"


def _model(run: Run) -> str:
    model = run.result.workload.values.get("model", {})
    return str(model.get("name", "?") if isinstance(model, dict) else model)


def conditions(runs: Sequence[Run]) -> str:
    """The workloads, in words."""
    found = []
    for run in runs:
        values = run.result.workload.values
        precision = values.get("precision", {})
        weights = precision.get("weights", "?") if isinstance(precision, dict) else "?"
        found.append(
            f"{run.result.workload.name}: {values['prompt_tokens']} prompt + {values['output_tokens']} output tokens, "
            f"{weights} weights"
        )
    return "; ".join(dict.fromkeys(found))


def answer(evidence: Evidence) -> str:
    """Cards with the winners, and the table of all runs."""
    runs = evidence.runs
    if not runs:
        return ""
    found = winners(runs, evidence.max_power_w)
    cards = [_card(winner) for winner in found[:2]]
    cap = evidence.max_power_w
    third = found[2] if len(found) > 2 else Winner("Most tokens/s within a power cap", None, "no cap given yet")
    cards.append(_card(third, _cap_input(cap)))
    failed = "".join(f"<li><b>{escape(name)}</b> {escape(reason)}</li>" for name, reason in evidence.failed.items())
    return (
        f'<p class="lead">{escape(conditions(runs))}. Figures are those of the decode stage.</p>'
        f'<div class="cards">{"".join(cards)}</div>'
        f"{_runs_table(runs)}{f'<ul class=failed>{failed}</ul>' if failed else ''}"
        f'<script type="application/json" id="runs">{_runs_json(runs)}</script>'
    )


def _cap_input(cap: float | None) -> str:
    value = f' value="{cap:g}"' if cap is not None else ""
    return (
        f'<label class="cap">Power cap (W) <input id="cap" type="number" min="0" step="any" inputmode="decimal"{value}>'
        "</label>"
    )


def _card(winner: Winner, more: str = "") -> str:
    name = winner.run.label if winner.run else "-"
    live = ' aria-live="polite" id="cap-card"' if more else ""
    return (
        f'<article class="card"{live}><h2 class="ask">{escape(winner.question)}</h2>'
        f'<p class="who">{escape(name)}</p><p class="figure">{escape(winner.figure)}</p>'
        f'<p class="why">{escape(winner.reason)}</p><p class="margin">{escape(winner.margin)}</p>{more}</article>'
    )


def _runs_table(runs: Sequence[Run]) -> str:
    rows = [
        (
            run.label,
            run.result.tokens_per_s,
            _ms(run.result.latency.tpot_s),
            _ms(run.result.latency.ttft_s),
            run.result.power_w,
            run.result.tokens_per_j,
            share_of_memory(run.result.capacity.needed_bytes, run.result.capacity.available_bytes),
            why(run).removeprefix("held by "),
        )
        for run in runs
    ]
    return table(Table(COLUMNS, rows), "All runs", classes="runs")


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else seconds * 1e3


def _runs_json(runs: Sequence[Run]) -> str:
    """What the page needs to judge under another cap."""
    rows = [
        {
            "label": run.label,
            "design": run.design,
            "tokens_per_s": run.result.tokens_per_s,
            "power_w": run.result.power_w,
            "figure": f"{plain(run.result.tokens_per_s)} tokens/s at {si(run.result.power_w, 'W')}",
            "why": why(run),
        }
        for run in runs
    ]
    return embedded(rows)


def embedded(value: object) -> str:
    """JSON that may stand inside a script element."""
    return json.dumps(value, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
