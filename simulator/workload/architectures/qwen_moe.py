"""Qwen1.5-MoE and Qwen2-MoE (experts beside a gated shared one), and Qwen3-MoE (experts alone)."""

from __future__ import annotations

from typing import Any

from simulator.workload.architectures import qwen
from simulator.workload.architectures.mixtral import chosen_of
from simulator.workload.blocks.attention import Attention
from simulator.workload.blocks.experts import Experts
from simulator.workload.hf_config import SIZES, Reader, hf_readers, sizes
from simulator.workload.hf_fields import HfFields
from simulator.workload.transformer import Transformer

FIXED = {**qwen.FIXED, "decoder_sparse_step": (1,), "mlp_only_layers": ([], ())}
"""Every layer has experts, in all published models."""

FIELDS = (*SIZES, "moe_intermediate_size", "num_experts", "num_experts_per_tok")


def read_qwen2(fields: HfFields) -> dict[str, Any]:
    """Sizes, the width of an expert being that of the feed-forward, and experts with a shared one."""
    count = fields.whole("num_experts")
    shared = fields.whole("shared_expert_intermediate_size")
    experts = Experts(count, chosen_of(fields, count), shared_width=shared, shared_gate=True)
    architecture = Transformer(attention=Attention(qkv_bias=True), feed_forward=experts)
    return {**sizes(fields, d_ff="moe_intermediate_size"), "architecture": architecture}


def read_qwen3(fields: HfFields) -> dict[str, Any]:
    """Sizes, the width of an expert being that of the feed-forward, and experts."""
    count = fields.whole("num_experts")
    architecture = Transformer(attention=Attention(qk_norm=True), feed_forward=Experts(count, chosen_of(fields, count)))
    return {**sizes(fields, d_ff="moe_intermediate_size"), "architecture": architecture}


hf_readers.register("Qwen2MoeForCausalLM")(
    Reader("qwen2_moe", read_qwen2, (*FIELDS, "shared_expert_intermediate_size"), FIXED)
)
hf_readers.register("Qwen3MoeForCausalLM")(Reader("qwen3_moe", read_qwen3, FIELDS, FIXED))
