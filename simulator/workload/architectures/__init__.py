"""The architectures that configs may name, one file a family: how its fields are read, and what it is made of."""

from simulator.workload.architectures import (
    deepseek,
    falcon,
    gemma,
    gpt2,
    llama,
    mamba2,
    mistral,
    mixtral,
    opt,
    phi3,
    qwen,
    qwen_moe,
    rwkv6,
    rwkv7,
)

__all__ = [
    "deepseek",
    "falcon",
    "gemma",
    "gpt2",
    "llama",
    "mamba2",
    "mistral",
    "mixtral",
    "opt",
    "phi3",
    "qwen",
    "qwen_moe",
    "rwkv6",
    "rwkv7",
]
