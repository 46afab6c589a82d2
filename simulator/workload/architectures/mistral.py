"""Mistral: Llama's block, with a sliding window where the config has one."""

from __future__ import annotations

from typing import Any

from simulator.workload.hf_config import SIZES, Reader, hf_readers, sizes
from simulator.workload.hf_fields import HfFields
from simulator.workload.transformer import Transformer


def read(fields: HfFields) -> dict[str, Any]:
    """Sizes, and the window of all layers."""
    return {**sizes(fields), "architecture": Transformer(window=fields.optional("sliding_window"))}


hf_readers.register("MistralForCausalLM")(
    Reader("mistral", read, (*SIZES, "sliding_window"), {"hidden_act": ("silu",)})
)
