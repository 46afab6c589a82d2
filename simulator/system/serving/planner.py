"""How a step is filled: the sequences that decode and the pieces of prompts, within the token budget."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from simulator.config.registry import Registry
from simulator.system.serving.composition import Chunk, Composition
from simulator.system.serving.sequence import Sequence

if TYPE_CHECKING:
    from simulator.system.serving.scheduler import Scheduler


@dataclass
class Plan:
    """A step to come: who decodes, whose prompts are worked on and how far, and the pages that move for it."""

    decodes: list[Sequence] = field(default_factory=list)
    chunks: list[tuple[Sequence, int]] = field(default_factory=list)
    swapped_pages: int = 0

    @property
    def empty(self) -> bool:
        """Whether there is nothing to do."""
        return not (self.decodes or self.chunks)

    def composition(self, queries: int = 1) -> Composition:
        """What the step computes, with ``queries`` new tokens of each sequence that decodes."""
        done = sum(tokens == sequence.left for sequence, tokens in self.chunks)
        return Composition(
            decodes=len(self.decodes),
            contexts=sum(sequence.cached for sequence in self.decodes),
            chunks=tuple(Chunk(tokens, sequence.cached) for sequence, tokens in self.chunks),
            sampled=queries * len(self.decodes) + done,
            queries=queries,
        )


class Planner:
    """Fills one step of ``scheduler``; a policy calls `decodes` and `prompts` in its order."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._left = scheduler.serving.token_budget
        self._queries = scheduler.rules.queries
        self._preempted = False
        self.plan = Plan()

    def decodes(self) -> None:
        """The sequences that decode, as many as the budget allows, the first admitted first.

        Where pages lack, the one admitted last gives up its own.
        """
        scheduler, chosen, queries = self._scheduler, self.plan.decodes, self._queries
        for sequence in [sequence for sequence in scheduler.running if sequence.cached >= sequence.target]:
            if self._left < queries:
                return
            while sequence.running and not scheduler.pool.grow(sequence, sequence.cached + queries):
                self._preempt(scheduler.running[-1])
            if sequence.running:
                chosen.append(sequence)
                self._left -= queries

    def _preempt(self, victim: Sequence) -> None:
        self._preempted = True
        self.plan.swapped_pages += self._scheduler.preempt(victim)

    def prompts(self) -> None:
        """Prompts in the order in which they were admitted, then new ones as long as there is room for them."""
        for sequence in list(self._scheduler.running):
            if not sequence.decoding and not self._add(sequence):
                return
        while not self._preempted and self._left > 0 and self._room_for(self._scheduler.next_waiting()):
            admitted = self._scheduler.admit()
            if admitted is None:
                return
            self.plan.swapped_pages += admitted.swapped_pages
            admitted.swapped_pages = 0
            if not admitted.decoding:
                self._add(admitted)
            elif self._left >= self._queries:
                self.plan.decodes.append(admitted)
                self._left -= self._queries

    def _room_for(self, sequence: Sequence | None) -> bool:
        """Whether the budget has room for the next prompt, all of it where prompts are not cut."""
        if sequence is None:
            return False
        if self._scheduler.serving.chunked_prefill or not self.plan.chunks:
            return True
        return sequence.left <= self._left

    def _add(self, sequence: Sequence) -> bool:
        """The next piece of a prompt; False when nothing is left of the budget."""
        if self._left <= 0 and (self.plan.chunks or self._scheduler.serving.chunked_prefill):
            return False
        whole = not self._scheduler.serving.chunked_prefill
        tokens = sequence.left if whole else min(sequence.left, self._left)
        self.plan.chunks.append((sequence, tokens))
        self._left -= tokens
        return True


Policy = Callable[[Planner], None]

serving_policies: Registry[Policy] = Registry("serving policy")
"""What a step does first, by the name that ``serving.policy`` gives."""


@serving_policies.register("decode_first")
def decode_first(planner: Planner) -> None:
    """Every sequence that decodes gets its token; prompts take what the budget leaves."""
    planner.decodes()
    planner.prompts()


@serving_policies.register("prefill_first")
def prefill_first(planner: Planner) -> None:
    """Steps of prompts alone as long as there are any that fit; else the others decode."""
    planner.prompts()
    if planner.plan.empty:
        planner.decodes()
