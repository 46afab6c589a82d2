"""DeepSeek-V2, V2-Lite, V3 and R1: latent attention, first dense layers, then experts beside shared ones."""

from __future__ import annotations

from typing import Any

from simulator.workload.architectures.mixtral import chosen_of
from simulator.workload.blocks.experts import Experts
from simulator.workload.blocks.latent_attention import LatentAttention
from simulator.workload.hf_config import Reader, hf_readers
from simulator.workload.hf_fields import HfFields
from simulator.workload.hf_rope import ROPE, rope_values
from simulator.workload.transformer import Transformer

FIELDS = (
    "hidden_size", "intermediate_size", "moe_intermediate_size", "num_hidden_layers", "num_attention_heads",
    "kv_lora_rank", "q_lora_rank", "qk_nope_head_dim", "qk_rope_head_dim", "v_head_dim", "n_routed_experts",
    "n_shared_experts", "num_experts_per_tok", "first_k_dense_replace", "vocab_size", "max_position_embeddings", *ROPE,
)  # fmt: skip
FIXED = {"hidden_act": ("silu",), "attention_bias": (False,), "moe_layer_freq": (1,)}


def _read(fields: HfFields, *, router_bias: bool) -> dict[str, Any]:
    heads, count = fields.whole("num_attention_heads"), fields.whole("n_routed_experts")
    width, layers = fields.whole("moe_intermediate_size"), fields.whole("num_hidden_layers")
    shared = width * (fields.optional("n_shared_experts") or 0)
    dense = fields.get("first_k_dense_replace") and fields.whole("first_k_dense_replace")
    if dense and dense > layers:
        fields.fail("first_k_dense_replace", f"{dense} are more than the {layers} layers there are")
    return {
        "n_layers": layers,
        "d_model": fields.whole("hidden_size"),
        "n_heads": heads,
        "n_kv_heads": heads,
        "head_dim": fields.whole("v_head_dim"),
        "d_ff": width,
        "vocab_size": fields.whole("vocab_size"),
        "max_position": fields.whole("max_position_embeddings"),
        "tie_embeddings": fields.flag("tie_word_embeddings"),
        **rope_values(fields),
        "architecture": Transformer(
            attention=LatentAttention(
                rank=fields.whole("kv_lora_rank"),
                plain=fields.whole("qk_nope_head_dim"),
                rotary=fields.whole("qk_rope_head_dim"),
                query_rank=fields.optional("q_lora_rank") or 0,
            ),
            feed_forward=Experts(count, chosen_of(fields, count), shared_width=shared, router_bias=router_bias),
            dense_layers=dense or 0,
            dense_width=fields.whole("intermediate_size"),
        ),
    }


def read_v2(fields: HfFields) -> dict[str, Any]:
    """Sizes, ranks, and experts."""
    return _read(fields, router_bias=False)


def read_v3(fields: HfFields) -> dict[str, Any]:
    """As V2; a bias balances the choice of experts. The layers that predict further tokens are left out."""
    return _read(fields, router_bias=True)


hf_readers.register("DeepseekV2ForCausalLM")(Reader("deepseek_v2", read_v2, FIELDS, FIXED))
hf_readers.register("DeepseekV3ForCausalLM")(Reader("deepseek_v3", read_v3, FIELDS, FIXED))
