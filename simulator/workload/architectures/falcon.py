"""Falcon: LayerNorm, multi-query or grouped-query rotary attention beside a plain GELU feed-forward, no biases."""

from __future__ import annotations

from typing import Any

from simulator.workload.blocks.feed_forward import Plain
from simulator.workload.hf_config import Reader, hf_readers, split_heads
from simulator.workload.hf_fields import HfFields
from simulator.workload.hf_rope import ROPE, rope_values
from simulator.workload.transformer import Transformer

POSITIONS = 2048
"""What Hugging Face's FalconConfig takes if the file says nothing."""

FIELDS = (
    "hidden_size", "num_hidden_layers", "num_attention_heads", "num_kv_heads", "multi_query",
    "new_decoder_architecture", "ffn_hidden_size", "vocab_size", "max_position_embeddings", *ROPE,
)  # fmt: skip
FIXED = {"alibi": (False,), "bias": (False,), "parallel_attn": (True,), "activation": ("gelu",)}


def read(fields: HfFields) -> dict[str, Any]:
    """Sizes. The newer block has cached heads of its own number and a norm each for attention and feed-forward."""
    d_model, n_heads = fields.whole("hidden_size"), fields.whole("num_attention_heads")
    newer = fields.flag("new_decoder_architecture")
    return {
        "n_layers": fields.whole("num_hidden_layers"),
        "d_model": d_model,
        "n_heads": n_heads,
        "n_kv_heads": _kv_heads(fields, n_heads, newer=newer),
        "head_dim": split_heads(fields, d_model, n_heads, ("hidden_size", "num_attention_heads")),
        "d_ff": fields.whole("ffn_hidden_size", 4 * d_model),
        "vocab_size": fields.whole("vocab_size"),
        "max_position": fields.whole("max_position_embeddings", POSITIONS),
        "tie_embeddings": fields.flag("tie_word_embeddings", default=True),
        **rope_values(fields),
        "architecture": Transformer(
            norm="layernorm",
            feed_forward=Plain(activation="gelu"),
            arrangement="parallel",
            parallel_norms=2 if newer else 1,
        ),
    }


def _kv_heads(fields: HfFields, n_heads: int, *, newer: bool) -> int:
    if newer:
        found = fields.whole("num_kv_heads", n_heads)
        if n_heads % found:
            fields.fail("num_kv_heads", f"{found} does not divide num_attention_heads {n_heads}")
        return found
    return 1 if fields.flag("multi_query", default=True) else n_heads


hf_readers.register("FalconForCausalLM")(Reader("falcon", read, FIELDS, FIXED))
