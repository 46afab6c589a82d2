"""What the cache of a sequence takes, as the workload's optimisations change it."""

from __future__ import annotations

from fractions import Fraction
from math import ceil

from simulator.workload.precision import FORMAT_BITS
from simulator.workload.scenario import Workload
from simulator.workload.tensors import kv_cache_bytes


def cached_tokens(workload: Workload, tokens: int) -> int:
    """Of ``tokens`` tokens of a sequence, those that the cache must have room for."""
    for method in workload.methods:
        tokens = method.cached_tokens(tokens)
    return tokens


def cached_bits(workload: Workload) -> float:
    """Bits of a cached element in the memory that attention reads it from, with its share of scales."""
    bits = float(FORMAT_BITS[workload.precision.kv_cache])
    for method in workload.methods:
        bits = method.cache_bits(bits, workload.model.head_dim)
    return bits


def cached_share(workload: Workload) -> Fraction:
    """Share of the blocks that have a cache."""
    return Fraction(len(workload.kept_layers), workload.model.n_layers)


def cache_bytes(workload: Workload, tokens: int) -> int:
    """Bytes of ``tokens`` cached tokens of a sequence, those of a draft model beside the model included."""
    bits, share = cached_bits(workload), cached_share(workload)
    found = 0
    for kept in workload.model.architecture.memory(workload.model):
        elements = kept.tensors * kept.tokens(tokens) * kept.heads * kept.head_dim + kept.fixed
        found += ceil(kept.layers * share) * ceil(elements * bits / 8)
    for draft in workload.decoding.drafts(workload.model) if workload.decoding else ():
        if not draft.on:
            found += kv_cache_bytes(draft.model, batch=1, tokens=tokens, precision=workload.precision)
    return found
