"""A `Result` on a terminal: the figures, where time and energy go, and what the run rests on."""

from __future__ import annotations

from collections.abc import Mapping

from rich.console import Group, RenderableType
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from simulator.metrics.result import STATIC, WAITING, Result
from simulator.report.bars import REST, Gauge, StackedBar, Swatch, largest
from simulator.report.numbers import n_bytes, percent, plain, si

SHOWN_PARTS = 10
"""Op kinds listed by name; the smaller ones are added up."""

MISSING_LIMIT = {STATIC: "flows all the time", WAITING: "data under way between components"}


def view(result: Result) -> Group:
    """The whole picture of one run."""
    parts = [heading(result), figures(result), *quality_view(result), *stage_view(result), component_view(result)]
    return Group(*parts, *thermal_view(result), footing(result))


def heading(result: Result) -> Text:
    """Who ran what."""
    values = result.workload.values
    what = f"batch {values['batch']}, {values['prompt_tokens']} prompt + {values['output_tokens']} output tokens"
    return Text.assemble((result.arch.name, "bold"), " runs ", (result.workload.name, "bold"), f" ({what})")


def figures(result: Result) -> Table:
    """The headline figures."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    capacity = result.capacity
    cells = {
        "tokens/s": plain(result.tokens_per_s),
        "TPOT": si(result.latency.tpot_s, "s"),
        "TTFT": si(result.latency.ttft_s, "s"),
        "power": si(result.power_w, "W"),
        "tokens/J": plain(result.tokens_per_j),
        "memory": f"{n_bytes(capacity.needed_bytes)} of {n_bytes(capacity.available_bytes)}",
    }
    for name in cells:
        table.add_column(name, no_wrap=True)
    table.add_row(*(Text(cell, style="bold") for cell in cells.values()))
    return table


def quality_view(result: Result) -> list[RenderableType]:
    """The best published figures of the model with these methods, if there are any."""
    if not result.quality:
        return []
    found = (
        f"{metric} {value:g} ({result.quality_from[metric].partition(' (')[0]})"
        for metric, value in result.quality.items()
    )
    return [Text.assemble("published quality: ", "; ".join(found))]


def stage_view(result: Result) -> list[RenderableType]:
    """Time and energy by op kind: of the decode stage, or of the prompt when there is no decode step."""
    stage = "decode" if result.time_by_op_kind_s["decode"] else "prefill"
    time, energy = result.time_by_op_kind_s[stage], result.energy_by_op_kind_j[stage]
    values = result.workload.values
    steps = values["output_tokens"] - 1 if stage == "decode" else 1
    names = _shown_kinds(time, energy)
    title = "Decode step, average of all steps" if stage == "decode" else "Prompt"
    bars = Table.grid(padding=(0, 1, 0, 0), expand=True)
    bars.add_column(no_wrap=True)
    bars.add_column(ratio=1)
    bars.add_column(no_wrap=True, justify="right")
    for label, parts, unit in (("time", time, "s"), ("energy", energy, "J")):
        bars.add_row(label, StackedBar(_with_rest(parts, names)), si(sum(parts.values()) / steps, unit))
    return [
        Rule(f"{title}, by op kind", align="left", style="dim"),
        bars,
        _parts_table(result, names, time, energy, steps),
    ]


def _shown_kinds(time: Mapping[str, float], energy: Mapping[str, float]) -> list[str]:
    """The kinds that take most of either, those that take most time first; what flows all the time comes last."""
    shares = {kind: max(_share(time, kind), _share(energy, kind)) for kind in {*time, *energy} - {STATIC}}
    shown = largest(shares, SHOWN_PARTS)
    by_time = sorted(shown, key=lambda kind: (-time.get(kind, 0.0), kind))
    return [*by_time, STATIC] if energy.get(STATIC) else by_time


def _share(parts: Mapping[str, float], name: str) -> float:
    total = sum(parts.values())
    return parts.get(name, 0.0) / total if total else 0.0


def _with_rest(parts: Mapping[str, float], names: list[str]) -> tuple[float, ...]:
    shown = [parts.get(name, 0.0) for name in names]
    return (*shown, max(0.0, sum(parts.values()) - sum(shown)))


def _parts_table(
    result: Result, names: list[str], time: Mapping[str, float], energy: Mapping[str, float], steps: int
) -> Table:
    table = Table(box=None, padding=(0, 1, 0, 0), header_style="dim")
    table.add_column("")
    table.add_column("op kind", no_wrap=True)
    for name in ("time", "share", "energy", "share"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("limited by")
    rows = zip([*names, REST], _with_rest(time, names), _with_rest(energy, names), strict=True)
    for position, (name, seconds, joules) in enumerate(rows):
        if not (seconds or joules) or (name == REST and set(names) >= {*time, *energy}):
            continue
        limit = result.bound_by.get(name, MISSING_LIMIT.get(name, ""))
        cells = (si(seconds / steps, "s"), _percent(seconds, time), si(joules / steps, "J"), _percent(joules, energy))
        table.add_row(Swatch(position), name, *cells, limit)
    return table


def _percent(value: float, parts: Mapping[str, float]) -> str:
    total = sum(parts.values())
    return percent(value / total) if total else ""


def component_view(result: Result) -> Group:
    """How busy each component was, and its share of the energy, over the whole run."""
    energy = result.energy_j.by_component
    table = Table(box=None, padding=(0, 1, 0, 0), header_style="dim", expand=True)
    table.add_column("component", no_wrap=True)
    table.add_column("busy", ratio=1, max_width=24)
    table.add_column("", justify="right", no_wrap=True)
    table.add_column("energy", ratio=1, max_width=24)
    table.add_column("", justify="right", no_wrap=True)
    table.add_column("", justify="right", no_wrap=True)
    for name in largest({c: energy.get(c, 0.0) + 1e-30 for c in {*energy, *result.utilization}}, len(energy) + 99):
        busy = result.utilization.get(name)
        share = energy.get(name, 0.0) / result.energy_j.total if result.energy_j.total else 0.0
        gauge: RenderableType = "" if busy is None else Gauge(busy)
        joules = si(energy.get(name, 0.0), "J")
        table.add_row(name, gauge, "" if busy is None else percent(busy), Gauge(share), percent(share), joules)
    title = Rule("Whole run with the prompt, by component", align="left", style="dim")
    classes = {name: joules for name, joules in result.energy_j.by_class.items() if _visible(joules, result)}
    by_class = (f"{name} {percent(classes[name] / result.energy_j.total)}" for name in largest(classes, len(classes)))
    text = ", ".join(by_class)
    return Group(title, table, Text(f"energy by class: {text}", style="dim"))


def _visible(joules: float, result: Result) -> bool:
    """Whether a part of the energy is not shown as ``<0.1 %``."""
    return joules >= 0.0005 * result.energy_j.total > 0


def thermal_view(result: Result) -> list[Text]:
    """The temperatures of a stack and what they did to the run; nothing for a platform without."""
    thermal = result.thermal
    if thermal is None:
        return []
    rate = f"refresh x {thermal.refresh_factor}, speed {percent(thermal.speed)}"
    verdict = "within" if thermal.within_limit else "above"
    if not thermal.converged:
        verdict = "running away from leakage, above"
    text = f"hottest die {thermal.hottest_c:.1f} C at {thermal.ambient_c:g} C ambient, {verdict} its limit of "
    return [Text(f"{text}{thermal.limit_c:g} C; {rate}", style="" if thermal.within_limit else "bold red")]


def footing(result: Result) -> Text:
    """What the figures rest on, counted."""
    assumed, fitted = len(result.assumptions), len(result.calibrations)
    counted = f"{_plural(assumed, 'assumption')} and {_plural(fitted, 'calibration')} behind these figures"
    where = f"listed in the result (--json), and by: nearbank show {result.arch.name}"
    return Text(f"{counted}; {where}", style="dim")


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
