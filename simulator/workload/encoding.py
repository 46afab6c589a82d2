"""Encoding: how the stored operand of a product is kept, and in which numbers both operands meet.

Bits of a tensor of ``rows`` rows of ``columns`` elements: values of the elements that are kept, their indices, a bitmap
of one bit an element, and scale and zero point of each group of elements along a row.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil
from typing import Literal

from simulator.workload.precision import FORMAT_BITS, Precision

Number = Literal["int", "fp"]
Pattern = Literal["dense", "n_m", "unstructured"]
WHOLE_BITS = 16
"""From which width on multiply-adds take floating-point and whole numbers alike."""


@dataclass(frozen=True, slots=True)
class Encoding:
    """How a stored operand is kept.

    ``value_bits`` of a ``number``; ``group`` elements along a row share ``group_bits`` (0: there are no groups).
    ``pattern``: all elements are kept, ``n`` of each ``m`` neighbours, or a ``density`` anywhere, with ``index_bits``
    for each element kept and ``bitmap_bits`` for each element. ``moving``: the numbers of the other operand, of
    ``moving_bits``. ``lookup``: products are looked up in a table of sums of the moving operand. ``gathered``: only
    some rows or columns of the tensor are read, chosen anew for each token; ``full`` is its (outputs, inputs).
    """

    value_bits: Fraction
    number: Number
    group: int = 0
    group_bits: int = 0
    pattern: Pattern = "dense"
    n: int = 0
    m: int = 0
    density: Fraction = Fraction(1)
    index_bits: int = 0
    bitmap_bits: int = 0
    moving: Number = "fp"
    moving_bits: int = 16
    lookup: bool = False
    gathered: bool = False
    full: tuple[int, int] = (0, 0)

    def kept(self, rows: int, columns: int) -> int:
        """Elements that are kept."""
        if self.pattern == "n_m":
            whole, rest = divmod(columns, self.m)
            return rows * (whole * self.n + min(self.n, rest))
        if self.pattern == "unstructured":
            return ceil(rows * columns * self.density)
        return rows * columns

    def n_bytes(self, rows: int, columns: int) -> int:
        """Bytes of a tensor, rounded up to a whole byte."""
        groups = rows * -(-columns // self.group) if self.group else 0
        kept = self.kept(rows, columns)
        bits = kept * (self.value_bits + self.index_bits) + rows * columns * self.bitmap_bits + groups * self.group_bits
        return ceil(bits / 8)

    @property
    def scaled(self) -> bool:
        """Whether an element has to be multiplied with a scale before it is a value."""
        return self.group > 0

    @property
    def share(self) -> float:
        """Share of the elements that are kept, of long rows."""
        return self.n / self.m if self.pattern == "n_m" else float(self.density)

    @property
    def dense(self) -> Encoding:
        """The same numbers with every element kept."""
        return replace(self, pattern="dense", n=0, m=0, density=Fraction(1), index_bits=0, bitmap_bits=0)

    @property
    def label(self) -> str:
        """What messages call it: ``int4``, ``fp8``."""
        return f"{self.number}{float(self.value_bits):g}"


def plain(number_format: str) -> Encoding:
    """The encoding of a named format; its scales count as part of each element."""
    number: Number = "fp" if number_format.startswith(("fp", "bf")) else "int"
    return Encoding(Fraction(FORMAT_BITS[number_format]), number)


def weights_in(precision: Precision, outputs: int, inputs: int) -> Encoding:
    """How a weight lies and what it meets in a product, with nothing but ``precision`` to say so."""
    moving = plain(precision.activations)
    weights = plain(precision.weights)
    return replace(weights, moving=moving.number, moving_bits=int(moving.value_bits), full=(outputs, inputs))


def met_by_floats(precision: Precision, outputs: int, inputs: int) -> Encoding | None:
    """As `weights_in` where it meets floating point of fewer than 16 bits, which not every unit takes; else None."""
    found = weights_in(precision, outputs, inputs)
    return found if found.moving == "fp" and found.moving_bits < WHOLE_BITS else None
