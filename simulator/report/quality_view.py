"""Published figures of a model on a terminal: one table a metric, best first."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from simulator.workload.quality import LOWER_IS_BETTER, Figure


def view(model: str, figures: Sequence[Figure]) -> Group:
    """What was published of ``model``, and where."""
    if not figures:
        return Group(Text(f"nothing is recorded of {model}: see nearbank list quality"))
    parts: list[RenderableType] = []
    for metric in dict.fromkeys(figure.metric for figure in figures):
        found = [figure for figure in figures if figure.metric == metric]
        parts += [Text.assemble((metric, "bold"), f": {found[0].how}"), _table(metric, found)]
    where = {figure.file: figure.source for figure in figures}
    return Group(*parts, *(Text(f"{name}: {source}", style="dim") for name, source in where.items()))


def _table(metric: str, figures: Sequence[Figure]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column(metric.rpartition("_")[2], justify="right", no_wrap=True)
    for name in ("recipe", "optimizations", "in"):
        table.add_column(name, no_wrap=name != "optimizations")
    for figure in sorted(figures, key=lambda f: f.value, reverse=not metric.endswith(LOWER_IS_BETTER)):
        table.add_row(f"{figure.value:g}", figure.recipe, blocks_text(figure), figure.file)
    return table


def blocks_text(figure: Figure) -> str:
    """The blocks of a recipe in one line."""
    if figure.blocks is None:
        return "no blocks of the simulator"
    return ", ".join(f"{key} {_flow(block)}" for key, block in figure.blocks.items()) or "none"


def _flow(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_flow(item)}" for key, item in value.items()) + "}"
    return str(value)
