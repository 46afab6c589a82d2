"""What the fullest of the stages of a pipeline has to hold, out of what all of them have."""

from __future__ import annotations

from dataclasses import replace
from math import ceil

from simulator.mapping.layout import Cache, Caches, Demand, Tensor
from simulator.mapping.parallel.experts import EXPERT_PRODUCTS
from simulator.system.far_shares import FAR, FETCHED
from simulator.system.parallel import Spread
from simulator.workload.busiest import experts_of

DRAFT = "draft."
"""What names of a draft model's tensors begin with."""


def fullest_stage(whole: Demand, spread: Spread) -> Demand:
    """The part of the stage with most weights, on one of the devices that share it.

    ``whole``: the demand of all blocks, of what one of those devices has of each.
    """
    stages = [_of_stage(whole.tensors, stage, spread) for stage in spread.stages]
    heaviest = max(range(len(stages)), key=lambda stage: sum(tensor.n_bytes for tensor in stages[stage]))
    share = len(spread.stages[heaviest]) / spread.plan.layers
    cache = whole.cache
    parts = cache.parts if isinstance(cache, Caches) else (cache,)
    kept = Caches(tuple(_cache_of(part, share, spread.plan.sequence) for part in parts))
    held = kept.dealt_out(spread.sharers) if spread.policy.deals_out_cache else kept
    return replace(whole, tensors=stages[heaviest], cache=held, tokens=-(-whole.tokens // spread.plan.sequence))


_ROUNDING = 1e-9


def _cache_of(cache: Cache, share: float, devices: int) -> Cache:
    """That of ``share`` of the layers, for the tokens of one of ``devices`` devices."""
    window = None if cache.window is None else -(-cache.window // devices)
    return replace(cache, layers=ceil(cache.layers * share - _ROUNDING), window=window)


def _of_stage(tensors: tuple[Tensor, ...], stage: tuple[int, ...], spread: Spread) -> tuple[Tensor, ...]:
    plan = spread.plan
    ends = 1 if spread.head_replicated else spread.head_devices * plan.groups
    found = []
    for tensor in tensors:
        if tensor.name.startswith(FAR):
            found.append(replace(tensor, n_bytes=ceil(tensor.n_bytes * len(stage) / plan.layers)))
        elif tensor.name.startswith(FETCHED):
            found.append(tensor)
        elif tensor.name == f"{DRAFT}kv_cache":
            found.append(_cut(tensor, -(-tensor.outputs // (plan.stages * plan.sequence))))
        elif tensor.name.startswith(DRAFT) and tensor.layer is not None:
            found.append(_cut(tensor, -(-tensor.outputs // plan.stages)))
        elif tensor.layer is None:
            found.append(_cut(tensor, -(-tensor.outputs // ends)))
        elif tensor.layer in stage:
            cut = _cut(tensor, spread.policy.outputs(tensor.outputs, plan.tensor))
            found.append(_of_experts(cut, plan.expert) if spread.experts else cut)
    return tuple(found)


def _cut(tensor: Tensor, outputs: int) -> Tensor:
    return replace(tensor, outputs=outputs, n_bytes=-(-tensor.n_bytes * outputs // tensor.outputs))


def _of_experts(tensor: Tensor, devices: int) -> Tensor:
    """Of experts those on the fullest of ``devices`` devices; of other tensors all."""
    if tensor.name.split(".")[1] not in EXPERT_PRODUCTS:
        return tensor
    held = experts_of(tensor.matrices, devices)[0]
    return replace(tensor, matrices=held, n_bytes=-(-tensor.n_bytes * held // tensor.matrices))
