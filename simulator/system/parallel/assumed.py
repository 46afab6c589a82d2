"""What a run on several devices takes for granted, and what it refuses."""

from __future__ import annotations

from simulator.errors import MappingError
from simulator.mapping.parallel.experts import ExpertPlan
from simulator.system.parallel.spread import Spread
from simulator.workload.alike import alike_blocks
from simulator.workload.optimizations.early_exit import EarlyExit
from simulator.workload.scenario import Workload

ALWAYS = "parallelism: all sequences in flight have the same context"


def check(workload: Workload, spread: Spread) -> None:
    """Raise MappingError for a method that this way to run cannot carry out."""
    for method in workload.methods:
        if method.coupled and spread.experts:
            raise MappingError(
                f"optimizations.{method.key}: not with whole experts on devices (allowed: parallelism.expert: 1)"
            )
        apart = isinstance(method, EarlyExit) or method.coupled
        if apart and spread.plan.groups > 1:
            raise MappingError(
                f"optimizations.{method.key}: stages that share a device work in step, which these cannot "
                "(allowed: parallelism.stage: device)"
            )


def sentences(workload: Workload, spread: Spread, *, one_for_all: bool) -> tuple[str, ...]:
    """What is taken for granted. ``one_for_all``: blocks that do the same are simulated once."""
    plan = spread.plan
    in_flight = (
        f"parallelism: {plan.microbatches} microbatches of up to {plan.microbatch} sequences in {plan.stages} stages "
        f"of {plan.layers_per_stage} blocks, {plan.active} stages of a device at work at a time and in step"
    )
    found = [in_flight, ALWAYS]
    how = "whole on each" if spread.head_replicated else "dealt out to them"
    found.append(f"parallelism: {spread.head_devices} devices of a copy project to the vocabulary, {how}")
    kinds = alike_blocks(workload.model, plan.microbatch * plan.active)
    if plan.active > 1 and (len(kinds) > 1 or any(method.by_layer for method in workload.methods)):
        found.append("parallelism: stages of a device that work in step are all of one kind of block at a time")
    if plan.microbatches > 1 and workload.decoding is not None:
        found.append("parallelism: all microbatches are through a pass of a step before the next pass begins")
    if plan.sequence > 1:
        found.append(
            "parallelism: gathered keys and values of a prompt are read where they arrive; merging partial results of "
            "attention takes no time beside their transfer"
        )
    if spread.experts:
        found += _of_experts(spread.experts)
    if one_for_all:
        found.append(
            "parallelism: one block of each kind of each step is simulated and counted for all of its kind, which meet "
            "the refresh interval at other places (--exact turns this off)"
        )
    return tuple(found)


def _of_experts(plan: ExpertPlan) -> tuple[str, ...]:
    """What is taken for granted where whole experts lie on devices."""
    busiest = (
        f"parallelism: whole experts on {plan.devices} devices; the busiest has as many experts hit and tokens as the "
        "largest of so many shares of a random choice has on average"
    )
    if plan.copies == 1:
        return (busiest,)
    return (busiest, "parallelism: dispatch and combine of tokens move equal parts between all pairs of devices")
