"""OPT: LayerNorm, learned positions, biases everywhere, a plain ReLU feed-forward."""

from __future__ import annotations

from typing import Any

from simulator.workload.blocks.attention import Attention
from simulator.workload.blocks.feed_forward import Plain
from simulator.workload.hf_config import Reader, hf_readers, split_heads
from simulator.workload.hf_fields import HfFields
from simulator.workload.transformer import Transformer

POSITION_OFFSET = 2
"""The table of positions has two rows more than there are positions."""

FIELDS = (
    "hidden_size", "ffn_dim", "num_hidden_layers", "num_attention_heads", "vocab_size", "max_position_embeddings",
    "word_embed_proj_dim",
)  # fmt: skip
FIXED = {
    "activation_function": ("relu",),
    "do_layer_norm_before": (True,),
    "enable_bias": (True,),
    "layer_norm_elementwise_affine": (True,),
    "_remove_final_layer_norm": (False,),
}


def read(fields: HfFields) -> dict[str, Any]:
    """Sizes and the table of positions. Raises WorkloadError for an embedding of another width (OPT-350m)."""
    d_model, n_heads = fields.whole("hidden_size"), fields.whole("num_attention_heads")
    positions = fields.whole("max_position_embeddings")
    if fields.whole("word_embed_proj_dim", d_model) != d_model:
        fields.fail("word_embed_proj_dim", f"an embedding of another width is not modelled (allowed: {d_model})")
    return {
        "n_layers": fields.whole("num_hidden_layers"),
        "d_model": d_model,
        "n_heads": n_heads,
        "n_kv_heads": n_heads,
        "head_dim": split_heads(fields, d_model, n_heads, ("hidden_size", "num_attention_heads")),
        "d_ff": fields.whole("ffn_dim"),
        "vocab_size": fields.whole("vocab_size"),
        "max_position": positions,
        "tie_embeddings": fields.flag("tie_word_embeddings", default=True),
        "architecture": Transformer(
            norm="layernorm",
            attention=Attention(rotary=False, qkv_bias=True, out_bias=True),
            feed_forward=Plain(activation="relu", bias=True),
            positions=positions + POSITION_OFFSET,
        ),
    }


hf_readers.register("OPTForCausalLM")(Reader("opt", read, FIELDS, FIXED))
