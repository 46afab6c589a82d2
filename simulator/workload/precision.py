"""Number formats: how many bytes a tensor of weights, activations or cached keys and values takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from simulator.errors import WorkloadError

FORMAT_BITS: Mapping[str, int | Fraction] = {
    "fp32": 32,
    "fp16": 16,
    "bf16": 16,
    "fp8": 8,
    "int8": 8,
    "int4": 4,
    "int4_g32": 5,
    "int4_g128": Fraction(17, 4),
    "int2_g128": Fraction(9, 4),
    "q8_0": Fraction(17, 2),
    "q4_0": Fraction(9, 2),
    "q4_k_m": Fraction(97, 20),
    "q2_k": Fraction(21, 8),
}
"""Bits per element by format name; for formats with blocks, with each block's scales.

``fp8``, ``int8`` and ``int4`` count no scales. ``int4_g32``: a 16-bit scale and zero point for 32 elements (gpt-fast);
``int4_g128`` and ``int2_g128``: 32 bits for 128 (AWQ, GPTQ, T-MAC). ``q8_0``, ``q4_0``, ``q2_k``: the blocks of
llama.cpp's ggml-common.h; ``q4_k_m``: its mixture of Q4_K and Q6_K, 4.85 bits a weight over Llama-2-7B as its
quantize tool says.
"""


def tensor_bytes(elements: int, number_format: str) -> int:
    """Bytes of one tensor, packed and rounded up to a whole byte."""
    return int(-(-elements * FORMAT_BITS[number_format] // 8))


@dataclass(frozen=True, slots=True)
class Precision:
    """The number format of each class of tensor. Raises WorkloadError for a format not in ``FORMAT_BITS``."""

    weights: str = "fp16"
    activations: str = "fp16"
    kv_cache: str = "fp16"

    def __post_init__(self) -> None:
        for key in ("weights", "activations", "kv_cache"):
            value = getattr(self, key)
            if value not in FORMAT_BITS:
                allowed = ", ".join(FORMAT_BITS)
                raise WorkloadError(f"'{value}' is not a number format (allowed: {allowed})", key=f"precision.{key}")

    def weight_bytes(self, elements: int) -> int:
        """Bytes of a weight tensor."""
        return tensor_bytes(elements, self.weights)

    def activation_bytes(self, elements: int) -> int:
        """Bytes of an activation tensor."""
        return tensor_bytes(elements, self.activations)

    def kv_bytes(self, elements: int) -> int:
        """Bytes of a tensor of cached keys or values."""
        return tensor_bytes(elements, self.kv_cache)
