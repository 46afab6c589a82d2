"""The rotary fields of a Hugging Face config: in ``rope_parameters`` (newer) or ``rope_theta`` and ``rope_scaling``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simulator.workload.hf_fields import HfFields, is_number
from simulator.workload.model import RopeScaling

ROPE = ("rope_theta", "rope_scaling", "rope_parameters")

DEFAULT_ROPE_THETA = 10000.0
"""What Hugging Face's configs take if the file says nothing."""


def rope_values(fields: HfFields) -> dict[str, Any]:
    """``rope_theta`` and ``rope_scaling`` of a `Model`. Raises WorkloadError."""
    rope = _rope_fields(fields)
    return {"rope_theta": _theta(fields, rope), "rope_scaling": _scaling(fields, rope)}


def _rope_fields(fields: HfFields) -> Mapping[str, Any]:
    key = _key(fields)
    value = fields.get(key)
    if value is not None and not isinstance(value, Mapping):
        fields.fail(key, f"{value!r} is not a mapping")
    return value or {}


def _key(fields: HfFields) -> str:
    return "rope_scaling" if fields.get("rope_parameters") is None else "rope_parameters"


def _theta(fields: HfFields, rope: Mapping[str, Any]) -> float:
    value = rope.get("rope_theta", fields.get("rope_theta"))
    if value is None:
        return DEFAULT_ROPE_THETA
    if not is_number(value) or value <= 0:
        fields.fail("rope_theta", f"{value!r} is not a number above 0")
    return float(value)


def _scaling(fields: HfFields, rope: Mapping[str, Any]) -> RopeScaling | None:
    rope_type = rope.get("rope_type", rope.get("type", "default"))
    if rope_type in (None, "default"):
        return None
    key = _key(fields)
    if not isinstance(rope_type, str):
        fields.fail(key, f"rope_type {rope_type!r} is not a name")
    factors = {name: value for name, value in rope.items() if name not in {"rope_type", "type", "rope_theta"}}
    flat = [pair for name, value in factors.items() for pair in _numbers(name, value)]
    for name, value in flat:
        if not is_number(value):
            fields.fail(key, f"{name} {value!r} is not a number")
    return RopeScaling(rope_type, tuple(sorted((name, float(value)) for name, value in flat)))


def _numbers(name: str, value: Any) -> list[tuple[str, Any]]:
    """A factor, or one for each pair of elements (``long_factor`` of longrope)."""
    if isinstance(value, list | tuple):
        return [(f"{name}.{at:03d}", item) for at, item in enumerate(value)]
    return [(name, value)]
