"""How often each kind of block counts in the time of a step, in a pipeline whose stages may differ."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

Stages = Sequence["Counter[int]"]
"""By stage: kind of block -> how many of that kind it has."""


def whole(stages: Stages) -> Counter[int]:
    """The blocks of all stages."""
    total: Counter[int] = Counter()
    for stage in stages:
        total.update(stage)
    return total


def times_needed(stages: Stages, microbatches: int) -> bool:
    """Whether it takes the times of the kinds to tell which stage is the slowest."""
    filled = [stage for stage in stages if stage]
    return microbatches > 1 and len(whole(stages)) > 1 and any(stage != filled[0] for stage in filled)


def turns(stages: Stages, microbatches: int, took: Mapping[int, float], *, prefill: bool) -> Counter[int]:
    """Kind of block -> how often its time counts, of those times that follow each other in a step.

    ``took``: the time of each kind, in any unit. In decode a microbatch passes all blocks, and the slowest stage serves
    all microbatches once, whichever takes longer; the prompts of all microbatches follow each other through the stages.
    """
    passage = whole(stages)
    if microbatches == 1 or not passage:
        return passage

    def time(blocks: Counter[int]) -> float:
        return sum(number * took[kind] for kind, number in blocks.items())

    slowest = max(stages, key=time)
    if prefill:
        return passage + repeated(slowest, microbatches - 1)
    served = repeated(slowest, microbatches)
    return served if time(served) > time(passage) else passage


def slack(stages: Stages, microbatches: int, took: Mapping[int, float]) -> float:
    """For how long the slowest stage waits, in decode, for a microbatch to pass all others. ``took``: as of `turns`."""
    times = [sum(number * took[kind] for kind, number in blocks.items()) for blocks in stages]
    return max(0, sum(times) - microbatches * max(times, default=0))


def repeated(blocks: Counter[int], times: int) -> Counter[int]:
    """``blocks``, each so many times."""
    return Counter({kind: times * number for kind, number in blocks.items()})
