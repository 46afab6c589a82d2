"""What the pictures of a sweep share: names of columns, and a scale for each."""

from __future__ import annotations

import math

from simulator.report.svg.scales import Linear, Log, Scale, log_around
from simulator.report.sweep_columns import Column

UNITS = {
    "tokens_per_s": "tokens/s",
    "tokens_per_j": "tokens/J",
    "power_w": "power (W)",
    "latency.tpot_s": "time per token (s)",
    "latency.ttft_s": "time to first token (s)",
    "energy_j.total": "energy (J)",
    "capacity.needed_bytes": "memory (bytes)",
    "edp_j_s": "energy x delay (J s)",
}
HIGHER = ("tokens_per_s", "tokens_per_j")


def name_of(column: str) -> str:
    """A column as a picture writes it."""
    return UNITS.get(column, column)


def slug(column: str) -> str:
    """A column within the name of a picture."""
    return column.rpartition(".")[2].replace("_", "-")


def scale_of(column: Column, start: float, end: float) -> Scale:
    """The scale of a column's figures between two pixels, with room at both ends."""
    known = [value for value in column.numbers if not math.isnan(value)] or [0.0, 1.0]
    if column.log:
        return Log(*log_around(known, room=1.15), start, end)
    if column.categories:
        return Linear(-0.4, len(column.categories) - 0.6, start, end)
    low, high = min(known), max(known)
    room = 0.06 * (high - low) or 0.5
    return Linear(low - room if low - room > 0 or low < 0 else 0.0, high + room, start, end)


def axis_data(column: Column, scale: Scale) -> dict[str, object]:
    """What the page needs to find a figure's place."""
    return {
        "column": column.name,
        "kind": scale.kind,
        "low": scale.low,
        "high": scale.high,
        "start": round(scale.start, 1),
        "end": round(scale.end, 1),
    }
