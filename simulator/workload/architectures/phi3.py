"""Phi-3: Llama's block with fused projections, and a sliding window where the config has one."""

from __future__ import annotations

from simulator.workload.architectures.mistral import read
from simulator.workload.hf_config import SIZES, Reader, hf_readers

FIXED = {"hidden_act": ("silu",), "attention_bias": (False,), "partial_rotary_factor": (1, 1.0)}

hf_readers.register("Phi3ForCausalLM")(Reader("phi3", read, (*SIZES, "sliding_window"), FIXED))
