"""The first screen: who wins, and why."""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape

from simulator.metrics.cost.tokens import TokenCost
from simulator.report.evidence import Evidence, Run
from simulator.report.money import Money
from simulator.report.numbers import percent, plain, share_of_memory, si
from simulator.report.page.html import table
from simulator.report.pictures.picture import Cell, Table
from simulator.report.winners import Candidate, Winner, of_run, winners

COLUMNS = ("run", "tokens/s", "TPOT (ms)", "TTFT (ms)", "power (W)", "tokens/J", "memory", "held by (of the time)")
Row = tuple[Cell, ...]


def heading(evidence: Evidence) -> str:
    """What was compared, in one line."""
    runs = evidence.runs
    if not runs:
        return ", ".join(f"Sweep {sweep.name}" for sweep in evidence.sweeps)
    designs = list(dict.fromkeys(run.design for run in runs))
    models = list(dict.fromkeys(_model(run) for run in runs))
    batches = sorted({run.batch for run in runs if not run.result.traffic})
    what = [f"batch {' and '.join(map(str, batches))}"] if batches else []
    what += ["requests"] if any(run.result.traffic for run in runs) else []
    many = f"{len(designs)} designs" if len(designs) > 1 else designs[0]
    return f"{many} on {' and '.join(models)}, {' and '.join(what)}"


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
        found.append(f"{run.result.workload.name}: {_asked(run)}, {weights} weights")
    return "; ".join(dict.fromkeys(found))


def _asked(run: Run) -> str:
    """How many tokens go in and come out."""
    traffic, values = run.result.traffic, run.result.workload.values
    if traffic is None:
        return f"{values['prompt_tokens']} prompt + {values['output_tokens']} output tokens"
    prompt, output = (round(tokens / traffic.requests) for tokens in (traffic.prompt_tokens, traffic.output_tokens))
    return f"{traffic.requests:,} requests of {prompt:,} prompt + {output:,} output tokens on average"


def _of_which_time(runs: Sequence[Run]) -> str:
    """What time the figures of the first screen are taken over."""
    streams = [run.result.traffic is not None for run in runs]
    if not any(streams):
        return "Figures are those of the decode stage."
    whole = "from the first arrival to the last answer, TPOT and TTFT their means"
    if all(streams):
        return f"Figures are {whole}."
    return f"Figures are those of the decode stage; of requests, {whole}."


def answer(evidence: Evidence) -> str:
    """Cards with the winners, and the table of all runs."""
    runs = evidence.runs
    if not runs:
        return ""
    among = [of_run(run, evidence.money) for run in runs]
    failed = "".join(f"<li><b>{escape(name)}</b> {escape(reason)}</li>" for name, reason in evidence.failed.items())
    return (
        f'<p class="lead">{escape(conditions(runs))}. {_of_which_time(runs)}</p>'
        f"{cards(among, evidence.max_power_w)}{_runs_table(runs, evidence.money)}"
        f"{f'<ul class=failed>{failed}</ul>' if failed else ''}"
    )


def cards(among: Sequence[Candidate], max_power_w: float | None) -> str:
    """The winners, the last of them under a power cap that the reader can change."""
    found = winners(among, max_power_w)
    if max_power_w is None:
        found.append(Winner("Most tokens/s within a power cap", None, "no cap given yet"))
    shown = f"{''.join(_card(winner) for winner in found[:-1])}{_card(found[-1], _cap_input(max_power_w))}"
    return f'<div class="cards">{shown}<script type="application/json">{_contest(among)}</script></div>'


def _cap_input(cap: float | None) -> str:
    value = f' value="{cap:g}"' if cap is not None else ""
    return (
        f'<label class="cap">Power cap (W) <input type="number" min="0" step="any" inputmode="decimal"{value}></label>'
    )


def _card(winner: Winner, more: str = "") -> str:
    name, reason = (winner.best.label, winner.best.reason) if winner.best else ("-", "")
    return (
        f'<article class="card{" capped" if more else ""}"><h3 class="ask">{escape(winner.question)}</h3>'
        f'<div{" aria-live=polite" if more else ""}><p class="who">{escape(name)}</p>'
        f'<p class="figure">{escape(winner.figure)}</p>'
        f'<p class="why">{escape(reason)}</p><p class="margin">{escape(winner.margin)}</p></div>{more}</article>'
    )


def _runs_table(runs: Sequence[Run], money: Money | None) -> str:
    rows = [_row(run) if money is None else _priced(_row(run), money.of(run)) for run in runs]
    columns = COLUMNS if money is None else (*COLUMNS[:6], "$/M tokens", *COLUMNS[6:])
    return table(Table(columns, rows), "All runs", classes="runs")


def _priced(row: Row, cost: TokenCost | None) -> Row:
    return (*row[:6], cost.usd_per_million_tokens if cost else None, *row[6:])


def _row(run: Run) -> Row:
    return (
        run.label,
        run.result.tokens_per_s,
        _ms(run.result.latency.tpot_s),
        _ms(run.result.latency.ttft_s),
        run.result.power_w,
        run.result.tokens_per_j,
        share_of_memory(run.result.capacity.needed_bytes, run.result.capacity.available_bytes),
        f"{run.held_by[0]} ({percent(run.held_by[1])})" if run.held_by else None,
    )


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else seconds * 1e3


def _contest(among: Sequence[Candidate]) -> str:
    """What the page needs to judge under any cap: whoever is first or second of those that draw no more."""
    known = [(one.power_w, one.tokens_per_s, one) for one in among if one.power_w and one.tokens_per_s]
    kept: list[dict[str, object]] = []
    top: dict[str, float] = {}
    for power_w, speed, one in sorted(known, key=lambda item: (item[0], -item[1], item[2].name)):
        rivals = [other for group, other in top.items() if group != one.group]
        if speed <= top.get(one.group, 0.0) or (len(rivals) > 1 and speed <= min(rivals)):
            continue
        top = dict(sorted({**top, one.group: speed}.items(), key=lambda item: -item[1])[:2])
        figure = f"{plain(speed)} tokens/s at {si(power_w, 'W')}"
        kept.append(
            {
                "label": one.label,
                "group": one.group,
                "tokens_per_s": speed,
                "power_w": power_w,
                "figure": figure,
                "why": one.reason,
            }
        )
    return embedded(kept)


def embedded(value: object) -> str:
    """JSON that may stand inside a script element."""
    return json.dumps(value, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
