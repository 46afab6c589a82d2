"""Figures as people read them: three significant digits and a fitting prefix."""

from __future__ import annotations

import math

_PREFIXES = {-12: "p", -9: "n", -6: "u", -3: "m", 0: "", 3: "k", 6: "M", 9: "G", 12: "T", 15: "P"}
_BINARY = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
NONE = "-"
"""Stands for a figure that a run does not have, such as the time per token of a run without decode steps."""


def digits(value: float) -> str:
    """``value`` with three significant digits and no exponent: 1234 -> '1230', 0.01234 -> '0.0123'."""
    if value == 0:
        return "0"
    decimals = 2 - math.floor(math.log10(abs(value)))
    return f"{round(value, decimals):.{max(0, decimals)}f}"


def si(value: float | None, unit: str) -> str:
    """``value`` with an SI prefix before ``unit``: 0.0123 and 's' give '12.3 ms'."""
    if value is None:
        return NONE
    if value == 0:
        return f"0 {unit}"
    exponent = min(max(3 * math.floor(math.log10(abs(value)) / 3), min(_PREFIXES)), max(_PREFIXES))
    return f"{digits(value / 10.0**exponent)} {_PREFIXES[exponent]}{unit}"


def plain(value: float | None) -> str:
    """``value`` without a unit, grouped by thousands from 1,000 on."""
    if value is None:
        return NONE
    return f"{value:,.0f}" if abs(value) >= 1000 else digits(value)


def n_bytes(value: float) -> str:
    """Bytes with a binary prefix: 1536 -> '1.50 KiB'."""
    step = 0
    while abs(value) >= 1024 and step < len(_BINARY) - 1:
        value /= 1024
        step += 1
    return f"{digits(value) if step else round(value)} {_BINARY[step]}"


def percent(fraction: float) -> str:
    """A fraction as a percentage: 0.1234 -> '12.3 %', and '<0.1 %' for what would round to nothing."""
    if 0 < fraction < 0.0005:
        return "<0.1 %"
    return f"{fraction:.1%}".replace("%", " %")
