"""Optimisations of a workload, each a block of its YAML in a file of its own (docs/methods.md)."""

from simulator.workload.optimizations import (
    activation_sparsity,
    attention_sparsity,
    early_exit,
    hot_cold,
    kv_paging,
    layer_skipping,
    offload,
    operators,
    quantization,
    speculative,
    weight_sparsity,
)
from simulator.workload.optimizations.base import Optimization, StepView, in_order, optimization
from simulator.workload.optimizations.decoding import Builder, Decoding, Draft, Pass

__all__ = [
    "Builder",
    "Decoding",
    "Draft",
    "Optimization",
    "Pass",
    "StepView",
    "activation_sparsity",
    "attention_sparsity",
    "early_exit",
    "hot_cold",
    "in_order",
    "kv_paging",
    "layer_skipping",
    "offload",
    "operators",
    "optimization",
    "quantization",
    "speculative",
    "weight_sparsity",
]
