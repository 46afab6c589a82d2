"""Gemma 2 and 3: norms before and behind each part, GeGLU, layers with a sliding window between those without.

Gemma 2 has a window in every other layer and soft caps on scores and logits; Gemma 3 in five of six layers, and norms
of query and key heads. Both tie the embedding, and multiply it by a number.
"""

from __future__ import annotations

from typing import Any

from simulator.workload.blocks.attention import Attention
from simulator.workload.blocks.feed_forward import Gated
from simulator.workload.hf_config import SIZES, Reader, hf_readers, sizes
from simulator.workload.hf_fields import HfFields
from simulator.workload.transformer import Transformer

FIXED = {
    "hidden_activation": ("gelu_pytorch_tanh",),
    "hidden_act": ("gelu_pytorch_tanh",),
    "attention_bias": (False,),
    "use_bidirectional_attention": (False,),
}
CAPS = ("attn_logit_softcapping", "final_logit_softcapping")
GEMMA2_FULL_EVERY = 2
GEMMA3_FULL_EVERY = 6


def _read(fields: HfFields, full_every: int, *, qk_norm: bool) -> dict[str, Any]:
    scores, logits = (fields.number(key) is not None for key in CAPS)
    return {
        **sizes(fields, tied=True),
        "architecture": Transformer(
            attention=Attention(qk_norm=qk_norm, softcap=scores),
            feed_forward=Gated(activation="gelu"),
            arrangement="sandwich",
            window=fields.whole("sliding_window"),
            full_every=full_every,
            scaled_embedding=True,
            final_softcap=logits,
        ),
    }


def read_gemma2(fields: HfFields) -> dict[str, Any]:
    """Sizes, window and soft caps."""
    return _read(fields, GEMMA2_FULL_EVERY, qk_norm=False)


def read_gemma3(fields: HfFields) -> dict[str, Any]:
    """Sizes, window and how many layers have one."""
    return _read(fields, fields.whole("sliding_window_pattern", GEMMA3_FULL_EVERY), qk_norm=True)


FIELDS = (*SIZES, "sliding_window", *CAPS)

hf_readers.register("Gemma2ForCausalLM")(Reader("gemma2", read_gemma2, FIELDS, FIXED))
hf_readers.register("Gemma3ForCausalLM")(Reader("gemma3_text", read_gemma3, (*FIELDS, "sliding_window_pattern"), FIXED))
