"""A `Model` from the fields of a Hugging Face ``config.json``: strict about all that shapes the op graph."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, NoReturn

from simulator.errors import WorkloadError
from simulator.workload.model import Model, RopeScaling

ARCHITECTURES = ("LlamaForCausalLM",)
"""Architectures whose op graph is known."""

WHOLE_NUMBERS = {
    "hidden_size": 1 << 20,
    "intermediate_size": 1 << 22,
    "num_hidden_layers": 1 << 12,
    "num_attention_heads": 1 << 14,
    "num_key_value_heads": 1 << 14,
    "head_dim": 1 << 14,
    "vocab_size": 1 << 26,
    "max_position_embeddings": 1 << 30,
}
"""Whole-number fields and the largest value taken for more than a slip; the smallest is 1."""

UNMODELLED = {"attention_bias": False, "mlp_bias": False, "hidden_act": "silu", "model_type": "llama"}
"""Fields that would change the op graph: absent or exactly this."""

ROPE = ("rope_theta", "rope_scaling", "rope_parameters")
READ = (*WHOLE_NUMBERS, *UNMODELLED, *ROPE, "architectures", "tie_word_embeddings", "quantization_config")
"""Every field that is read. Others (token ids, dtypes, versions) are ignored, unless they look like one of these."""

SLIP_SIMILARITY = 0.9
"""From which difflib similarity an unread field is taken for a misspelt one: one letter in ten."""

LARGEST_NUMBER = 1e15
"""The largest rotary number taken for more than a slip; no infinity, no NaN."""

DEFAULT_ROPE_THETA = 10000.0
"""What the Hugging Face LlamaConfig takes if the file says nothing."""


@dataclass(frozen=True, slots=True)
class HfFields:
    """The fields of one config. ``locate``: file, line and column of a field; ``prefix``: key path they stand under."""

    fields: Mapping[str, Any]
    locate: Callable[[str], tuple[str, int | None, int | None]]
    prefix: str = ""

    def fail(self, key: str, message: str) -> NoReturn:
        """Raise the one-line WorkloadError about a field."""
        file, line, column = self.locate(key)
        raise WorkloadError(message, file=file, line=line, column=column, key=self.prefix + key)

    def get(self, key: str) -> Any:
        """The value, None if absent or null."""
        return self.fields.get(key)

    def whole(self, key: str, default: int | None = None) -> int:
        """A whole number in the range of `WHOLE_NUMBERS`; required unless there is a default."""
        value, largest = self.get(key), WHOLE_NUMBERS[key]
        if value is None:
            if default is None:
                self.fail(key, f"missing (a whole number, 1..{largest})")
            return default
        if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= largest:
            self.fail(key, f"{value!r} is not a whole number in the range 1..{largest}")
        return value

    def flag(self, key: str) -> bool:
        """A boolean, False if absent."""
        value = self.get(key)
        if value is not None and not isinstance(value, bool):
            self.fail(key, f"{value!r} is not a boolean (allowed: true, false)")
        return bool(value)


def model_from_hf(fields: HfFields, *, name: str, source: str) -> Model:
    """The model a config describes.

    Raises WorkloadError for an unknown architecture, a missing, misspelt, out-of-range or unmodelled field, and for
    fields that contradict each other.
    """
    _check_architecture(fields)
    _check_spelling(fields)
    _check_unmodelled(fields)
    n_heads = fields.whole("num_attention_heads")
    d_model = fields.whole("hidden_size")
    rope = _rope_fields(fields)
    return Model(
        name=name,
        n_layers=fields.whole("num_hidden_layers"),
        d_model=d_model,
        n_heads=n_heads,
        n_kv_heads=_kv_heads(fields, n_heads),
        head_dim=_head_dim(fields, d_model, n_heads),
        d_ff=fields.whole("intermediate_size"),
        vocab_size=fields.whole("vocab_size"),
        max_position=fields.whole("max_position_embeddings"),
        tie_embeddings=fields.flag("tie_word_embeddings"),
        rope_theta=_rope_theta(fields, rope),
        rope_scaling=_rope_scaling(fields, rope),
        source=source,
    )


def _check_architecture(fields: HfFields) -> None:
    allowed = ", ".join(ARCHITECTURES)
    value = fields.get("architectures")
    if value is None:
        fields.fail("architectures", f"missing (allowed: [{allowed}])")
    names = list(value) if isinstance(value, list | tuple) else value
    if names not in [[known] for known in ARCHITECTURES]:
        fields.fail("architectures", f"{names!r} is not supported (allowed: [{allowed}])")


def _check_spelling(fields: HfFields) -> None:
    for key in fields.fields:
        near = () if key in READ else get_close_matches(key, READ, n=1, cutoff=SLIP_SIMILARITY)
        if near:
            fields.fail(key, f"unknown field; did you mean '{near[0]}'?")


def _check_unmodelled(fields: HfFields) -> None:
    for key, allowed in UNMODELLED.items():
        value = fields.get(key)
        if value is not None and value != allowed:
            fields.fail(key, f"{value!r} is not modelled (allowed: {str(allowed).lower()})")
    if fields.get("quantization_config") is not None:
        fields.fail("quantization_config", "not read: give the number formats under the workload's `precision`")


def _kv_heads(fields: HfFields, n_heads: int) -> int:
    n_kv_heads = fields.whole("num_key_value_heads", default=n_heads)
    if n_heads % n_kv_heads:
        fields.fail("num_key_value_heads", f"{n_kv_heads} does not divide num_attention_heads {n_heads}")
    return n_kv_heads


def _head_dim(fields: HfFields, d_model: int, n_heads: int) -> int:
    if fields.get("head_dim") is None and d_model % n_heads:
        fields.fail("hidden_size", f"{d_model} is not a multiple of num_attention_heads {n_heads} (or give head_dim)")
    head_dim = fields.whole("head_dim", default=max(1, d_model // n_heads))
    if head_dim % 2:
        key = "hidden_size" if fields.get("head_dim") is None else "head_dim"
        fields.fail(key, f"a head of {head_dim} elements cannot be rotated in pairs (allowed: even)")
    return head_dim


def _rope_fields(fields: HfFields) -> Mapping[str, Any]:
    """The rotary fields: in ``rope_parameters`` (newer files) or in ``rope_theta`` and ``rope_scaling``."""
    key = _rope_key(fields)
    value = fields.get(key)
    if value is not None and not isinstance(value, Mapping):
        fields.fail(key, f"{value!r} is not a mapping")
    return value or {}


def _rope_key(fields: HfFields) -> str:
    return "rope_scaling" if fields.get("rope_parameters") is None else "rope_parameters"


def _rope_theta(fields: HfFields, rope: Mapping[str, Any]) -> float:
    value = rope.get("rope_theta", fields.get("rope_theta"))
    if value is None:
        return DEFAULT_ROPE_THETA
    if not _is_number(value) or value <= 0:
        fields.fail("rope_theta", f"{value!r} is not a number above 0")
    return float(value)


def _rope_scaling(fields: HfFields, rope: Mapping[str, Any]) -> RopeScaling | None:
    rope_type = rope.get("rope_type", rope.get("type", "default"))
    if rope_type in (None, "default"):
        return None
    key = _rope_key(fields)
    if not isinstance(rope_type, str):
        fields.fail(key, f"rope_type {rope_type!r} is not a name")
    factors = {name: value for name, value in rope.items() if name not in {"rope_type", "type", "rope_theta"}}
    for name, value in factors.items():
        if not _is_number(value):
            fields.fail(key, f"{name} {value!r} is not a number")
    return RopeScaling(rope_type, tuple(sorted((name, float(value)) for name, value in factors.items())))


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= LARGEST_NUMBER
