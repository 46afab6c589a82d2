"""Money: speed against what tokens cost, what makes them cost that, and what plans have cost by each month."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from simulator.metrics.cost.appraisal import PlanCost
from simulator.metrics.cost.tokens import TokenCost
from simulator.report.evidence import Run
from simulator.report.money import Money
from simulator.report.numbers import plain
from simulator.report.pictures.batches import SPEED, by_design
from simulator.report.pictures.picture import Picture, Table, tip
from simulator.report.pictures.scatter import Axis, draw_scatter
from simulator.report.pictures.shares import shares
from simulator.report.svg.axes import Area, x_axis, y_axis
from simulator.report.svg.canvas import Canvas
from simulator.report.svg.key import draw_key, key_height
from simulator.report.svg.marks import mark
from simulator.report.svg.scales import around
from simulator.report.svg.style import SHAPES, colour

USD = "$ per million tokens"
ELECTRICITY = "electricity"


def cost_speed(runs: Sequence[Run], money: Money) -> Picture | None:
    """Tokens/s over dollars of a million tokens; None for fewer than two priced runs."""
    costs = _costs(runs, money)
    if len(costs) < 2:
        return None
    groups = by_design([run for run in runs if run.name in costs])
    across = Axis("cost", USD, lambda run: costs[run.name].usd_per_million_tokens, room=1.6)
    shown = [run for group in groups.values() for run in group]
    best = min(shown, key=across.of)
    return Picture(
        "cost-speed",
        "Speed against what tokens cost",
        f"Tokens/s of all sequences over {USD}, both logarithmic; lines join the batch sizes of a design. Better is "
        f"up and to the left. Cheapest: {best.label}, {plain(across.of(best))} {USD}.",
        lambda width: draw_scatter(groups, across, SPEED, width),
        Table(("run", "tokens/s", USD), [(run.label, SPEED.of(run), across.of(run)) for run in shown]),
        note="b8: batch 8. Better is up and to the left.",
    )


def cost_parts(runs: Sequence[Run], money: Money) -> Picture | None:
    """What a million tokens cost, by the parts of the machine and electricity; None where no run has a price."""
    costs = _costs(runs, money)
    priced = [run for run in runs if run.name in costs]
    if not priced:
        return None
    return shares(
        priced,
        "cost-parts",
        "What makes tokens cost that",
        lambda run: parts_of(costs[run.name]),
        "$",
        "a million tokens: each part over the years that it serves, and electricity",
    )


def parts_of(cost: TokenCost) -> dict[str, float]:
    """Dollars of a million tokens by part of the machine, and electricity."""
    per_hour = cost.usd_per_million_tokens / cost.usd_per_hour if cost.usd_per_hour else 0.0
    hardware = cost.hardware_usd_per_hour / cost.offer.usd if cost.offer.usd else 0.0
    found = {part: usd * hardware * per_hour for part, usd in cost.offer.parts_usd.items()}
    return found | {ELECTRICITY: cost.power_usd_per_hour * per_hour}


def _costs(runs: Sequence[Run], money: Money) -> dict[str, TokenCost]:
    found = {run.name: money.of(run) for run in runs}
    return {name: cost for name, cost in found.items() if cost is not None}


def cost_plans(money: Money) -> Picture | None:
    """Dollars spent by the end of each month, a line a plan; None without plans."""
    plans = money.appraisal.plans
    if not plans:
        return None
    months = len(next(iter(plans.values())).running_total_usd)
    cheapest = min(plans, key=lambda name: plans[name].running_total_usd[-1])
    return Picture(
        "cost-plans",
        "What plans have cost by each month",
        f"One line a plan over {months} months: machines bought, less those sold, and electricity. Least in the end: "
        f"{cheapest}, ${plans[cheapest].running_total_usd[-1]:,.0f}.",
        lambda width: _draw_plans(plans, width),
        Table(
            ("end of month", *(f"{name} ($)" for name in plans)),
            [(month + 1, *(plan.running_total_usd[month] for plan in plans.values())) for month in range(months)],
        ),
    )


def _draw_plans(plans: Mapping[str, PlanCost], width: float) -> Canvas:
    top = key_height(list(plans), width) + 34
    canvas = Canvas(width, top + 300)
    area = Area(72, top, width - 20, canvas.height - 48)
    look = {name: (colour(n), SHAPES[n % len(SHAPES)]) for n, name in enumerate(plans)}

    def swatch(name: str, x: float, y: float) -> None:
        mark(canvas, look[name][1], x, y, 5, f"dot f-{look[name][0]}")

    draw_key(canvas, list(plans), width, swatch)
    months = len(next(iter(plans.values())).running_total_usd)
    x = area.x((0.0, float(months)))
    y = area.y(around(usd for plan in plans.values() for usd in plan.running_total_usd))
    x_axis(canvas, area, x, "month")
    y_axis(canvas, area, y, "$ spent")
    for name, plan in plans.items():
        at = [(x(month + 1), y(usd)) for month, usd in enumerate(plan.running_total_usd)]
        fill, shape = look[name]
        canvas.add("polyline", points=" ".join(f"{px:.1f},{py:.1f}" for px, py in at), class_=f"series s-{fill}")
        for month in _marked(months):
            words = tip(name, f"${plan.running_total_usd[month]:,.0f} by the end of month {month + 1}")
            mark(canvas, shape, *at[month], 5, f"m dot f-{fill}", data_tip=words)
    return canvas


def _marked(months: int) -> list[int]:
    """The months whose figures can be pointed at: about twelve, the last among them."""
    step = max(1, months // 12)
    return sorted({*range(step - 1, months, step), months - 1})
