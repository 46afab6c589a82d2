"""Number formats of quantisation, and what the scales of their groups take."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated, Literal

from pydantic import Field

from simulator.config.base_schema import Spec
from simulator.workload.encoding import Number

StoredFormat = Literal[
    "int8", "int6", "int5", "int4", "int3", "int2", "ternary", "fp8", "mxfp8", "mxfp6", "mxfp4", "nvfp4"
]  # fmt: skip
MovingFormat = Literal["int8", "int4", "fp8", "mxfp8", "mxfp6", "mxfp4", "nvfp4"]


@dataclass(frozen=True, slots=True)
class Format:
    """``bits`` of a ``number``; block formats fix ``group`` and ``group_bits``."""

    bits: Fraction
    number: Number
    group: int = 0
    group_bits: int = 0


FORMATS: dict[str, Format] = {
    **{f"int{n}": Format(Fraction(n), "int") for n in (8, 6, 5, 4, 3, 2)},
    "ternary": Format(Fraction(8, 5), "int"),
    "fp8": Format(Fraction(8), "fp"),
    **{f"mxfp{n}": Format(Fraction(n), "fp", 32, 8) for n in (8, 6, 4)},
    "nvfp4": Format(Fraction(4), "fp", 16, 8),
}
"""By name. ``ternary``: five values of -1, 0, 1 in a byte (3^5 = 243), as TQ1_0 of llama.cpp packs them. ``mxfp*``: 32
elements share an 8-bit power of two (OCP Microscaling Formats v1.0). ``nvfp4``: 16 share an FP8 scale (NVIDIA)."""


class Stored(Spec):
    """How a tensor is kept: a ``format``; ``group_size`` neighbours in a row share scale and zero point (0: all do).

    Block formats fix their groups themselves.
    """

    format: StoredFormat
    group_size: Annotated[int, Field(ge=0, le=1 << 20)] = 0
    scale_bits: Annotated[int, Field(ge=0, le=32)] = 16
    zero_point_bits: Annotated[int, Field(ge=0, le=32)] = 0

    @property
    def fixed(self) -> bool:
        """Whether the format says itself how long groups are."""
        return FORMATS[self.format].group > 0

    def group(self, row: int) -> int:
        """Elements that share a scale, in rows of ``row``."""
        return FORMATS[self.format].group or self.group_size or row

    @property
    def group_bits(self) -> int:
        """Bits of what a group shares."""
        return FORMATS[self.format].group_bits or self.scale_bits + self.zero_point_bits

    def bits(self, row: int) -> Fraction:
        """Bits of an element with its share of the scales, in rows of whole groups."""
        return FORMATS[self.format].bits + Fraction(self.group_bits, self.group(row))
