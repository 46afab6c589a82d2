"""Llama 1, 2, 3, 3.1, 3.2 and 3.3: RMSNorm, rotary grouped-query attention, SwiGLU, no biases."""

from __future__ import annotations

from simulator.workload.hf_config import SIZES, Reader, hf_readers, sizes

FIXED = {"attention_bias": (False,), "mlp_bias": (False,), "hidden_act": ("silu",)}

hf_readers.register("LlamaForCausalLM")(Reader("llama", sizes, SIZES, FIXED))
