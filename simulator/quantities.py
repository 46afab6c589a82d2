"""Quantities with units: text such as ``3.9us`` or ``16GiB`` to numbers in one unit.

Every reader takes a plain number as already being in its unit, so ``tCK_ps: 500`` and ``tCK_ps: 0.5ns`` are the same.
Readers raise ValueError that names the units allowed. All arithmetic on text is exact.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction
from typing import Annotated

from pydantic import BeforeValidator, Field

_DECIMAL = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
_BINARY = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}


def _scaled(symbol: str, prefixes: Mapping[str, int]) -> dict[str, Fraction]:
    return {prefix + symbol: Fraction(factor) for prefix, factor in prefixes.items()}


TIME_PS = {unit: Fraction(10**power) for unit, power in (("ps", 0), ("ns", 3), ("us", 6), ("ms", 9), ("s", 12))}
BYTES = _scaled("B", _DECIMAL) | _scaled("B", _BINARY)
FREQUENCY_HZ = _scaled("Hz", {"": 1, "k": 10**3, "M": 10**6, "G": 10**9})
BANDWIDTH_BYTES_S = {f"{unit}/s": factor for unit, factor in BYTES.items()}
ENERGY_PJ = {
    unit: Fraction(10) ** power for unit, power in (("fJ", -3), ("pJ", 0), ("nJ", 3), ("uJ", 6), ("mJ", 9), ("J", 12))
}
POWER_W = {unit: Fraction(10) ** power for unit, power in (("uW", -6), ("mW", -3), ("W", 0), ("kW", 3))}

_QUANTITY = re.compile(r"([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d{1,3})?)\s*([^\d\s].*)")


def _read(value: object, units: Mapping[str, Fraction], what: str) -> Fraction | int | float:
    """``value`` in the base unit; a plain number as it is."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    allowed = f"a number, or one with a unit: {', '.join(units)}"
    match = _QUANTITY.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        shown = "nothing" if value is None else f"'{value}'"
        raise ValueError(f"{shown} is not {what} (allowed: {allowed})")
    number, unit = match.groups()
    if unit not in units:
        raise ValueError(f"'{unit}' is not a unit of {what} (allowed: {allowed})")
    return Fraction(number) * units[unit]


def _whole(value: object, units: Mapping[str, Fraction], what: str, base: str) -> int:
    number = _read(value, units, what)
    if number % 1 != 0:
        raise ValueError(f"'{value}' is not a whole number of {base}")
    return int(number)


def parse_time_ps(value: object) -> int:
    """A time in ps: ``3.9us`` is 3_900_000."""
    return _whole(value, TIME_PS, "a time", "ps")


def parse_bytes(value: object) -> int:
    """A size in bytes; ``GB`` is 10^9, ``GiB`` 2^30."""
    return _whole(value, BYTES, "a size", "bytes")


def parse_frequency_hz(value: object) -> int:
    """A frequency in Hz."""
    return _whole(value, FREQUENCY_HZ, "a frequency", "Hz")


def parse_bandwidth_bytes_s(value: object) -> int:
    """A bandwidth in bytes a second; ``GB/s`` is 10^9."""
    return _whole(value, BANDWIDTH_BYTES_S, "a bandwidth", "bytes a second")


def parse_energy_pj(value: object) -> float:
    """An energy in pJ."""
    return float(_read(value, ENERGY_PJ, "an energy"))


def parse_power_w(value: object) -> float:
    """A power in W."""
    return float(_read(value, POWER_W, "a power"))


Picoseconds = Annotated[int, Field(ge=0), BeforeValidator(parse_time_ps)]
Bytes = Annotated[int, Field(ge=0), BeforeValidator(parse_bytes)]
Hertz = Annotated[int, Field(ge=1), BeforeValidator(parse_frequency_hz)]
BytesPerSecond = Annotated[int, Field(ge=1), BeforeValidator(parse_bandwidth_bytes_s)]
Picojoules = Annotated[float, Field(ge=0), BeforeValidator(parse_energy_pj)]
Watts = Annotated[float, Field(ge=0), BeforeValidator(parse_power_w)]


def ps_to_clocks(time_ps: int, tCK_ps: int) -> int:
    """The fewest whole clocks that last at least ``time_ps``.

    JEDEC rounds an analogue minimum up to the next clock. The guard band that its DDR4 and DDR5 documents subtract
    first makes up for a tCK that was cut to whole ps; here both are exact integers: there is none to make up for.
    Raises ValueError for a negative time or a clock that is not positive.
    """
    if time_ps < 0 or tCK_ps <= 0:
        raise ValueError(f"a time of {time_ps} ps cannot be counted in clocks of {tCK_ps} ps")
    return -(-time_ps // tCK_ps)
