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


def amount(value: float, unit: str) -> str:
    """As `si`, but dollars without a prefix: 0.0123 and '$' give '$0.0123'."""
    return f"${plain(value)}" if unit == "$" else si(value, unit)


def short(value: float) -> str:
    """``value`` as a tick says it: 2000000 -> '2M', 0.25 -> '0.25'."""
    if 1e-3 <= abs(value) < 1000 or value == 0:
        return f"{value:g}"
    exponent = min(max(3 * math.floor(math.log10(abs(value)) / 3 + 1e-9), min(_PREFIXES)), max(_PREFIXES))
    return f"{value / 10.0**exponent:.4g}{_PREFIXES[exponent]}"


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


def share_of_memory(needed: float, available: float) -> str:
    """What is needed of what there is, the unit once where it is the same: '13.1 of 16.0 GiB'."""
    one, other = n_bytes(needed), n_bytes(available)
    return f"{one.split()[0] if one.split()[1] == other.split()[1] else one} of {other}"


def percent(fraction: float) -> str:
    """A fraction as a percentage: 0.1234 -> '12.3 %', and '<0.1 %' for what would round to nothing."""
    if 0 < fraction < 0.0005:
        return "<0.1 %"
    return f"{fraction:.1%}".replace("%", " %")
