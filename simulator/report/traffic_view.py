"""A `Result` of a request stream on a terminal: what clients saw, what serving took, and the queue over time."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from rich.console import Group, RenderableType
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from simulator.metrics.result import Result
from simulator.metrics.traffic import Percentiles, Traffic
from simulator.report.numbers import n_bytes, percent, plain, si
from simulator.report.run_view import component_view, footing

LEVELS = " ▁▂▃▄▅▆▇█"
COLUMNS = 40
"""Width of a course over time."""


def view(result: Result, traffic: Traffic) -> Group:
    """The whole picture of one request stream."""
    parts: list[RenderableType] = [heading(result, traffic), figures(result, traffic)]
    parts += [Rule("What clients saw", align="left", style="dim"), latencies(traffic), objective(traffic)]
    parts += [Rule("Over time", align="left", style="dim"), courses(traffic), serving(traffic)]
    return Group(*parts, component_view(result), footing(result))


def heading(result: Result, traffic: Traffic) -> Text:
    """Who served what."""
    rate = "" if traffic.offered_per_s is None else f", {plain(traffic.offered_per_s)} a second offered"
    copies = "" if traffic.copies == 1 else f" on {traffic.copies} copies of the model"
    what = f" ({traffic.requests:,} requests{rate}{copies})"
    return Text.assemble((result.arch.name, "bold"), " serves ", (result.workload.name, "bold"), what)


def figures(result: Result, traffic: Traffic) -> Table:
    """The headline figures."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    capacity = result.capacity
    cells = {
        "requests/s": plain(traffic.answered_per_s),
        "output tokens/s": plain(result.tokens_per_s),
        "power": si(result.power_w, "W"),
        "tokens/J": plain(result.tokens_per_j),
        "busy": percent(traffic.busy_share),
        "memory": f"{n_bytes(capacity.needed_bytes)} of {n_bytes(capacity.available_bytes)}",
    }
    for name in cells:
        table.add_column(name, no_wrap=True)
    table.add_row(*(Text(cell, style="bold") for cell in cells.values()))
    return table


def latencies(traffic: Traffic) -> Table:
    """Percentiles of what a request waits for."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("")
    for name in ("mean", "p50", "p90", "p99", "largest"):
        table.add_column(name, justify="right", no_wrap=True)
    rows: Sequence[tuple[str, Percentiles | None]] = (
        ("in the queue", traffic.queue_s),
        ("TTFT", traffic.ttft_s),
        ("TPOT", traffic.tpot_s),
        ("end to end", traffic.e2e_s),
    )
    for name, found in rows:
        if found is not None:
            table.add_row(name, *(si(value, "s") for value in found.model_dump().values()))
    return table


def objective(traffic: Traffic) -> Text:
    """How many requests kept the service objective."""
    slo = traffic.slo
    if slo is None:
        return Text("no service objective given", style="dim")
    limits = f"TTFT <= {si(slo.ttft_s, 's')} and TPOT <= {si(slo.tpot_s, 's')}"
    return Text(f"{limits}: met by {percent(slo.met_share)}, goodput {plain(slo.goodput_per_s)} requests/s")


def courses(traffic: Traffic) -> Table:
    """Requests that wait and run, and the KV cache, from the first arrival to the last answer."""
    grid = Table.grid(padding=(0, 1, 0, 0))
    series = traffic.series
    for name, values, most in (
        ("waiting", series.waiting, max(series.waiting)),
        ("running", series.running, max(series.running)),
        ("KV pages", series.kv_pages, traffic.kv_cache.pages),
    ):
        grid.add_row(name, course(values, most), f"up to {max(values):,}" + _of_all(name, traffic))
    return grid


def _of_all(name: str, traffic: Traffic) -> str:
    return f" of {traffic.kv_cache.pages:,}" if name == "KV pages" else ""


def course(values: Sequence[int], most: int) -> str:
    """``values`` as a line of blocks, each the largest of its stretch; full height is ``most``."""
    width = min(COLUMNS, len(values))
    cuts = [len(values) * at // width for at in range(width + 1)]
    heights = [max(values[start:end]) for start, end in pairwise(cuts)]
    return "".join(LEVELS[-(-height * (len(LEVELS) - 1) // most) if most else 0] for height in heights)


def serving(traffic: Traffic) -> Text:
    """Steps, preemptions, prefixes and moves of caches."""
    parts = [f"{traffic.steps:,} steps, {plain(traffic.mean_decodes)} sequences decode in one on average"]
    if traffic.preemptions:
        parts.append(f"{traffic.preemptions:,} preemptions")
    if traffic.prefix_cache.lookups:
        prefix = traffic.prefix_cache
        parts.append(f"prefix found {prefix.hits:,} of {prefix.lookups:,} times")
    if traffic.speculation:
        parts.append(f"{plain(traffic.speculation.tokens_per_step)} tokens of each by drafts")
    if traffic.transferred_tokens:
        parts.append(f"{traffic.transferred_tokens:,} cached tokens moved between copies")
    return Text("; ".join(parts), style="dim")
