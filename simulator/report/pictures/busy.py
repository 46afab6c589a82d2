"""Who is busy: each component's share of the time of a run, and each hop's and unit's share of its peak."""

from __future__ import annotations

from collections.abc import Sequence

from simulator.report.evidence import Run
from simulator.report.numbers import percent, si
from simulator.report.pictures.picture import Picture, Table, tip
from simulator.report.pictures.roofline import HOP_NAMES
from simulator.report.svg.axes import Area, x_axis
from simulator.report.svg.canvas import Canvas, shortened, text_width

PS_PER_S = 1e12
ROW = 30.0


def utilization(run: Run) -> Picture | None:
    """Bars of the busy time of each component, of each wire's traffic and each unit's FLOPs over what they can do."""
    shares = busy_shares(run)
    if not shares:
        return None
    top = max(shares, key=lambda item: item[1])
    return Picture(
        f"utilization:{run.name}",
        f"Utilisation of {run.label}",
        f"Busy share of the whole run of each component, and traffic over peak rate of each kind of wire. Highest: "
        f"{top[0]}, {percent(top[1])}.",
        lambda width: _draw_bars(shares, width),
        Table(("what", "share", "of"), shares),
        note="Whole run, prompt included. Busy: the component worked. Of peak: bytes or FLOPs over the most it can do.",
        half=True,
    )


def busy_shares(run: Run) -> list[tuple[str, float, str]]:
    """(what, share, of what): components by busy time, then wires by traffic, then units by FLOPs."""
    result = run.result
    found = [(name, share, "time") for name, share in sorted(result.utilization.items(), key=lambda item: -item[1])]
    if run.point is None:
        return found
    seconds, devices = result.time_ps / PS_PER_S, run.point["devices"]
    for name, part in run.point["components"].items():
        for hop, bytes_per_s in part.get("bytes_per_s", {}).items():
            moved = sum(result.data_movement_bytes.get(one, 0) for one in hop.split(" and "))
            if moved and seconds:
                share = moved / seconds / (bytes_per_s * devices)
                found.append((f"{HOP_NAMES.get(hop, hop)} of {name}", share, f"peak {si(bytes_per_s, 'B/s')}"))
    return found


def _draw_bars(shares: Sequence[tuple[str, float, str]], width: float) -> Canvas:
    canvas = Canvas(width, ROW * len(shares) + 48)
    left = min(0.46 * width, 14 + max(text_width(name, 12.5) for name, _, _ in shares))
    area = Area(left, 4, width - 66, 4 + ROW * len(shares))
    x = area.x((0.0, 1.0))
    x_axis(canvas, area, x, "share (%)", lambda value: f"{value * 100:g}")
    for position, (name, share, of) in enumerate(shares):
        y = area.top + ROW * position
        canvas.text(left - 8, y + 19, shortened(name, left - 10, 12.5), "name", text_anchor="end")
        canvas.add("rect", x=left, y=y + 6, width=area.right - left, height=ROW - 12, class_="track")
        fill = "c0" if of == "time" else "c1"
        words = tip(name, f"{percent(share)} of {of}")
        length = max(0.0, min(1.0, share)) * (area.right - left)
        canvas.add("rect", x=left, y=y + 6, width=length, height=ROW - 12, class_=f"m f-{fill}", data_tip=words)
        canvas.text(area.right + 6, y + 19, percent(share), "name")
    return canvas
