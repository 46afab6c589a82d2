"""Energy of a multiply-add by the width of its operands: one contract for every unit that has multiply-adds.

A unit gives one number for all widths, or a table by width in bits, as it does for its rates; there ``int8`` and
``fp8`` may stand apart. A width that the table lacks costs what the next wider one does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any

from pydantic import Discriminator, Field, Tag

from simulator.errors import ConfigError
from simulator.units.base import Component, NonNegative, key_like
from simulator.workload.encoding import Number

MAC = "multiply_add"
"""Action: one multiply-add of an op."""

OperandBits = Annotated[str, key_like(r"[1-9]\d?", "a width in bits", "1..99")]
"""Width of the wider operand in bits, as a key of a YAML mapping."""
Operand = Annotated[str, key_like(r"(int|fp)?[1-9]\d?", "a width in bits", "1..99, also after 'int' or 'fp'")]
"""The same, of one kind of numbers (``int8``) or of both (``8``)."""


def _form(value: Any) -> str:
    return "table" if isinstance(value, Mapping) else "number"


MacEnergy = Annotated[
    Annotated[NonNegative, Tag("number")] | Annotated[dict[Operand, NonNegative], Field(min_length=1), Tag("table")],
    Discriminator(_form),
]
"""pJ of a multiply-add, of every width or by width in bits."""

NUMBERS: tuple[Number, ...] = ("int", "fp")


class MacPrices:
    """What the multiply-adds of ``unit`` cost, at each of the ``widths`` in bits that it has.

    Raises ConfigError for a width that is wider than all that ``given`` names.
    """

    def __init__(self, unit: Component, given: float | Mapping[str, float], widths: Iterable[int]) -> None:
        by_key = given if isinstance(given, Mapping) else {}
        self._keys = {number: sorted(_keys_of(number, by_key)) for number in NUMBERS} if by_key else {}
        widest = max(widths)
        for number, keys in self._keys.items():
            if not keys or widest > keys[-1][0]:
                raise ConfigError(
                    f"multiply-adds of {number}{widest} have no energy (given: {', '.join(by_key)})",
                    key=f"components.{unit.name}.energy_pj_per_mac",
                )
        priced = {f"{MAC}_{key}": pj for key, pj in given.items()} if isinstance(given, Mapping) else {MAC: given}
        self.table: dict[str, dict[str, float]] = {action: {"compute": pj} for action, pj in priced.items()}
        """Action -> energy class -> pJ."""

    def action(self, bits: int, number: Number) -> str:
        """What a multiply-add of such numbers at the width ``bits`` counts as."""
        keys = self._keys.get(number, ())
        return f"{MAC}_{next(key for width, _, key in keys if width >= bits)}" if keys else MAC


def _keys_of(number: Number, given: Iterable[str]) -> Iterator[tuple[int, bool, str]]:
    """(bits, whether of both kinds of numbers, key) of the entries for ``number``."""
    for key in given:
        kind = key.rstrip("0123456789")
        if kind in ("", number):
            yield int(key.removeprefix(kind)), not kind, key
