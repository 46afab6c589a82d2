"""A `Model` from the fields of a Hugging Face ``config.json``: strict about all that shapes the op graph.

Each architecture that Hugging Face's ``architectures`` names has a `Reader` in `hf_readers`; the shipped ones stand in
`simulator.workload.architectures`, one file a family.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from simulator.config.nearest import hint
from simulator.config.registry import Registry
from simulator.workload.hf_fields import LARGEST, HfFields
from simulator.workload.hf_rope import ROPE, rope_values
from simulator.workload.model import Model

__all__ = ["HfFields", "Reader", "hf_readers", "model_from_hf"]

ALWAYS_READ = ("architectures", "model_type", "tie_word_embeddings", "quantization_config")
SIZES = (*LARGEST, *ROPE)
"""The fields that `sizes` reads."""

SLIP_SIMILARITY = 0.9
"""From which difflib similarity an unread field is taken for a misspelt one: one letter in ten."""


@dataclass(frozen=True)
class Reader:
    """How the config of one architecture is read.

    ``model_type``: what that field may say. ``read``: fields -> the arguments of `Model` but its name and source.
    ``fields``: every field that it reads; others (token ids, dtypes, versions) are ignored, unless they look like one
    of these. ``fixed``: fields that would change the op graph, with the values they may have, if they are there.
    """

    model_type: str
    read: Callable[[HfFields], Mapping[str, Any]]
    fields: tuple[str, ...] = SIZES
    fixed: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)


hf_readers: Registry[Reader] = Registry("architecture")
"""Name in ``architectures`` -> its reader."""


def model_from_hf(fields: HfFields, *, name: str, source: str) -> Model:
    """The model a config describes.

    Raises WorkloadError for an unknown architecture, a missing, misspelt, out-of-range or unmodelled field, and for
    fields that contradict each other.
    """
    reader = hf_readers.get(_architecture(fields))
    _check_spelling(fields, reader)
    _check_fixed(fields, reader)
    return Model(name=name, source=source, **reader.read(fields))


def _architecture(fields: HfFields) -> str:
    import simulator.workload.architectures  # noqa: F401 - fills the registry; it needs this module

    known = hf_readers.names()
    allowed = ", ".join(known)
    value = fields.get("architectures")
    if value is None:
        fields.fail("architectures", f"missing (allowed: [{allowed}])")
    names = list(value) if isinstance(value, list | tuple) else value
    if not (isinstance(names, list) and len(names) == 1 and names[0] in hf_readers):
        asked = names[0] if isinstance(names, list) and names else names
        near = hint(asked, known) if isinstance(asked, str) else ""
        fields.fail("architectures", f"{names!r} is not supported (allowed: one of [{allowed}]){near}")
    return str(names[0])


def _check_spelling(fields: HfFields, reader: Reader) -> None:
    read = (*ALWAYS_READ, *reader.fields, *reader.fixed)
    for key in fields.fields:
        near = () if key in read else get_close_matches(key, read, n=1, cutoff=SLIP_SIMILARITY)
        if near:
            fields.fail(key, f"unknown field; did you mean '{near[0]}'?")


def _check_fixed(fields: HfFields, reader: Reader) -> None:
    for key, allowed in {"model_type": (reader.model_type,), **reader.fixed}.items():
        value = fields.get(key)
        if value is not None and value not in allowed:
            wanted = ", ".join(str(one).lower() for one in allowed)
            fields.fail(key, f"{value!r} is not modelled (allowed: {wanted})")
    if fields.get("quantization_config") is not None:
        fields.fail("quantization_config", "not read: give the number formats under the workload's `precision`")


def sizes(fields: HfFields, *, tied: bool = False, d_ff: str = "intermediate_size") -> dict[str, Any]:
    """The sizes of a model whose config uses the names of Llama's. ``tied``: what an absent flag means."""
    n_heads = fields.whole("num_attention_heads")
    d_model = fields.whole("hidden_size")
    return {
        "n_layers": fields.whole("num_hidden_layers"),
        "d_model": d_model,
        "n_heads": n_heads,
        "n_kv_heads": _kv_heads(fields, n_heads),
        "head_dim": _head_dim(fields, d_model, n_heads),
        "d_ff": fields.whole(d_ff),
        "vocab_size": fields.whole("vocab_size"),
        "max_position": fields.whole("max_position_embeddings"),
        "tie_embeddings": fields.flag("tie_word_embeddings", tied),
        **rope_values(fields),
    }


def _kv_heads(fields: HfFields, n_heads: int) -> int:
    n_kv_heads = fields.whole("num_key_value_heads", default=n_heads)
    if n_heads % n_kv_heads:
        fields.fail("num_key_value_heads", f"{n_kv_heads} does not divide num_attention_heads {n_heads}")
    return n_kv_heads


def _head_dim(fields: HfFields, d_model: int, n_heads: int) -> int:
    if fields.get("head_dim") is None:
        split_heads(fields, d_model, n_heads, ("hidden_size", "num_attention_heads"), " (or give head_dim)")
    head_dim = fields.whole("head_dim", default=max(1, d_model // n_heads))
    if head_dim % 2:
        key = "hidden_size" if fields.get("head_dim") is None else "head_dim"
        fields.fail(key, f"a head of {head_dim} elements cannot be rotated in pairs (allowed: even)")
    return head_dim


def split_heads(fields: HfFields, d_model: int, n_heads: int, names: tuple[str, str], else_: str = "") -> int:
    """Elements of a head where heads share out the width. Raises WorkloadError where they cannot."""
    if d_model % n_heads:
        fields.fail(names[0], f"{d_model} is not a multiple of {names[1]} {n_heads}{else_}")
    return d_model // n_heads
