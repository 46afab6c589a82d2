"""What each bank did: open rows, column accesses and refresh of a channel over a short time, and its two buses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from simulator.report.bank_activity import Bank, Channel, channel_of
from simulator.report.evidence import Run
from simulator.report.numbers import percent, si
from simulator.report.pictures.picture import Cell, Picture, Table, tip
from simulator.report.pictures.strips import Layer, Strip, draw_strips

MOST_BANKS = 32
BUS_HEIGHT, BANK_HEIGHTS = 24.0, {8: 24.0, 16: 17.0, MOST_BANKS: 11.0}
KEY = {"row open": "c4", "column accesses": "c0", "refresh": "c3", "bus busy": "c1"}
PS_PER_S = 1e12


def banks(run: Run) -> list[Picture]:
    """A picture for each memory whose commands are known."""
    parts = run.point["components"] if run.point else {}
    known = {name: commands for name, commands in run.issued.items() if commands and "dram" in parts.get(name, {})}
    return [_picture(run, name, channel_of(commands, parts[name])) for name, commands in known.items()]


def _picture(run: Run, memory: str, found: Channel) -> Picture:
    shown = found.busiest(MOST_BANKS)
    lasts = si(found.bins.width_ps * found.bins.count / PS_PER_S, "s")
    most = max((max(bank.accesses) for bank in shown), default=0) or 1
    strips = [*_buses(found), *(_strip(bank, most, len(shown)) for bank in shown)]
    of_all = f"{len(shown)} of {found.in_all} banks. " if len(shown) < found.in_all else ""
    return Picture(
        f"banks:{run.name}:{memory}",
        f"Banks and buses of {memory} in {run.label}",
        f"One strip for each bus and each bank of the first channel over {lasts} of the last step: when its row is "
        f"open, how many column accesses it has, and when it refreshes. Data bus: {percent(_mean(found.data_bus))}.",
        lambda width: draw_strips(strips, found.bins.width_ps, width, KEY),
        _table(found, shown),
        note=f"{of_all}Column accesses: fullest at {most} in {si(found.bins.width_ps / PS_PER_S, 's')}. Rows count as "
        "closed at the start, and a stream runs at the pace of the memory.",
    )


def _table(found: Channel, shown: Sequence[Bank]) -> Table:
    buses = (("data bus", found.data_bus), ("command bus", found.command_bus))
    rows: list[list[Cell]] = [[name, None, _mean(shares), None] for name, shares in buses]
    rows += [[bank.name, sum(bank.accesses), _mean(bank.row_open), _mean(bank.refreshing)] for bank in shown]
    return Table(("what", "column accesses", "share of time busy, or with an open row", "refreshing"), rows)


def _buses(found: Channel) -> Iterator[Strip]:
    for name, shares in (("data bus", found.data_bus), ("command bus", found.command_bus)):
        yield Strip(name, (Layer(shares, KEY["bus busy"]),), tip(name, f"busy {percent(_mean(shares))}"), BUS_HEIGHT)


def _strip(bank: Bank, most: int, count: int) -> Strip:
    layers = (
        Layer(bank.row_open, KEY["row open"]),
        Layer([accesses / most for accesses in bank.accesses], KEY["column accesses"]),
        Layer(bank.refreshing, KEY["refresh"]),
    )
    words = f"row open {percent(_mean(bank.row_open))} of the time, {sum(bank.accesses):,} column accesses"
    height = next(height for limit, height in BANK_HEIGHTS.items() if count <= limit)
    return Strip(bank.name, layers, tip(bank.name, words), height)


def _mean(shares: Sequence[float]) -> float:
    return sum(shares) / len(shares)
