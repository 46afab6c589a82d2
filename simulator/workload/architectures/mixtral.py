"""Mixtral: Mistral's block with a mixture of experts."""

from __future__ import annotations

from typing import Any

from simulator.workload.blocks.experts import Experts
from simulator.workload.hf_config import SIZES, Reader, hf_readers, sizes
from simulator.workload.hf_fields import HfFields
from simulator.workload.transformer import Transformer


def chosen_of(fields: HfFields, count: int, key: str = "num_experts_per_tok") -> int:
    """Experts that a token chooses. Raises WorkloadError for more than there are."""
    chosen = fields.whole(key)
    if chosen > count:
        fields.fail(key, f"{chosen} are more than the {count} experts there are")
    return chosen


def read(fields: HfFields) -> dict[str, Any]:
    """Sizes, experts, and the window of all layers."""
    count = fields.whole("num_local_experts")
    experts = Experts(count, chosen_of(fields, count))
    architecture = Transformer(feed_forward=experts, window=fields.optional("sliding_window"))
    return {**sizes(fields), "architecture": architecture}


FIELDS = (*SIZES, "sliding_window", "num_local_experts", "num_experts_per_tok")

hf_readers.register("MixtralForCausalLM")(Reader("mixtral", read, FIELDS, {"hidden_act": ("silu",)}))
