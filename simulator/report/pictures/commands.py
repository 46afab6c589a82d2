"""What the DRAM was told: the command mix, row hits, and the share of refresh."""

from __future__ import annotations

from collections.abc import Sequence

from simulator.report.command_roles import REGISTER, ROLES, refresh_share, roles_of, row_hit_share
from simulator.report.evidence import Run
from simulator.report.numbers import NONE, percent, plain, short, si
from simulator.report.pictures.picture import Picture, Table, tip
from simulator.report.svg.axes import Area, x_axis
from simulator.report.svg.canvas import Canvas, shortened, text_width
from simulator.report.svg.key import draw_key, key_height
from simulator.report.svg.scales import Log
from simulator.report.svg.style import colour

ROW = 26.0


def commands(run: Run) -> Picture | None:
    """Bars of the commands by number, in the colour of what they are for; None for a run without any."""
    counts = sorted(run.result.commands.items(), key=lambda item: (-item[1], item[0]))
    if not counts:
        return None
    parts = run.point["components"].values() if run.point else ()
    roles = roles_of(parts)
    kinds = {name: str(roles.get(name, {}).get("kind", REGISTER)) for name, _ in counts}
    total = sum(count for _, count in counts)
    return Picture(
        f"commands:{run.name}",
        f"DRAM commands of {run.label}",
        f"{plain(total)} commands by name, on a logarithmic axis. {facts(run)}",
        lambda width: _draw(counts, kinds, width),
        Table(
            ("command", "what for", "number", "share"),
            [(name, kinds[name], count, count / total) for name, count in counts],
        ),
        note=facts(run),
        half=True,
    )


def facts(run: Run) -> str:
    """Row hits and refresh in words."""
    parts = list(run.point["components"].values()) if run.point else []
    hits = row_hit_share(run.result.commands, roles_of(parts))
    refreshing = refresh_share(run.result.commands, run.result.time_ps * _devices(run), parts)
    shown = NONE if refreshing is None else percent(refreshing)
    return (
        f"Row hits: {NONE if hits is None else percent(hits)} of column accesses, each bank of a command counted. "
        f"Refresh: {shown} of a rank's time."
    )


def _devices(run: Run) -> int:
    return int(run.point["devices"]) if run.point else 1


def _draw(counts: Sequence[tuple[str, int]], kinds: dict[str, str], width: float) -> Canvas:
    shown = [kind for kind in ROLES if kind in kinds.values()]
    top = key_height(shown, width) + 8
    canvas = Canvas(width, top + ROW * len(counts) + 48)

    def swatch(kind: str, x: float, y: float) -> None:
        canvas.add("rect", x=x - 6, y=y - 6, width=12, height=12, class_=f"f-{colour(ROLES.index(kind))}")

    draw_key(canvas, shown, width, swatch)
    left = min(0.3 * width, 14 + max(text_width(name, 12.5) for name, _ in counts))
    area = Area(left, top, width - 70, top + ROW * len(counts))
    scale = Log(0.8, max(count for _, count in counts) * 1.5, area.left, area.right)
    x_axis(canvas, area, scale, "commands", short)
    for position, (name, count) in enumerate(counts):
        y = area.top + ROW * position
        canvas.text(left - 8, y + 17, shortened(name, left - 10, 12.5), "name", text_anchor="end")
        words = tip(name, kinds[name], f"{count:,} commands")
        fill = colour(ROLES.index(kinds[name]))
        canvas.add(
            "rect", x=left, y=y + 5, width=scale(count) - left, height=ROW - 10, class_=f"m f-{fill}", data_tip=words
        )
        canvas.text(scale(count) + 6, y + 17, si(count, "").strip(), "tick")
    return canvas
