"""GPT-2 and GPT-3: LayerNorm, learned positions, biases everywhere, a plain GELU feed-forward."""

from __future__ import annotations

from typing import Any

from simulator.workload.blocks.attention import Attention
from simulator.workload.blocks.feed_forward import Plain
from simulator.workload.hf_config import Reader, hf_readers, split_heads
from simulator.workload.hf_fields import HfFields
from simulator.workload.transformer import Transformer

FIELDS = ("n_embd", "n_inner", "n_layer", "n_head", "n_positions", "vocab_size")
FIXED = {"activation_function": ("gelu", "gelu_new"), "add_cross_attention": (False,)}


def read(fields: HfFields) -> dict[str, Any]:
    """Sizes and the table of positions; the feed-forward is four times as wide unless it says otherwise."""
    d_model, n_heads = fields.whole("n_embd"), fields.whole("n_head")
    positions = fields.whole("n_positions")
    return {
        "n_layers": fields.whole("n_layer"),
        "d_model": d_model,
        "n_heads": n_heads,
        "n_kv_heads": n_heads,
        "head_dim": split_heads(fields, d_model, n_heads, ("n_embd", "n_head")),
        "d_ff": fields.whole("n_inner", 4 * d_model),
        "vocab_size": fields.whole("vocab_size"),
        "max_position": positions,
        "tie_embeddings": fields.flag("tie_word_embeddings", default=True),
        "architecture": Transformer(
            norm="layernorm",
            attention=Attention(rotary=False, qkv_bias=True, out_bias=True),
            feed_forward=Plain(activation="gelu", bias=True),
            positions=positions,
        ),
    }


hf_readers.register("GPT2LMHeadModel")(Reader("gpt2", read, FIELDS, FIXED))
