"""Number formats: how many bytes a tensor of weights, activations or cached keys and values takes."""

from __future__ import annotations

from dataclasses import dataclass

from simulator.errors import WorkloadError

FORMAT_BITS = {"fp32": 32, "fp16": 16, "bf16": 16, "fp8": 8, "int8": 8, "int4": 4}
"""Bits per element by format name. Scales and zero points of the integer formats are not counted."""


def tensor_bytes(elements: int, number_format: str) -> int:
    """Bytes of one tensor, packed and rounded up to a whole byte."""
    return (elements * FORMAT_BITS[number_format] + 7) // 8


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
