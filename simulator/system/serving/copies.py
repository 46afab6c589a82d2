"""A copy of the model and what it is doing now."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from simulator.system.serving.composition import Composition
from simulator.system.serving.planner import Plan
from simulator.system.serving.scheduler import Scheduler


class Costs(Protocol):
    """How long things take, in ps; each call stands for one that happens."""

    def step_ps(self, step: Composition) -> int:
        """A step of one copy."""

    def swap_ps(self, tokens: int) -> int:
        """The cache of ``tokens`` tokens to the host, or back."""

    def transfer_ps(self, tokens: int) -> int:
        """The cache of ``tokens`` tokens from one copy to another."""


@dataclass
class Copy:
    """A scheduler and its step. ``prefills``: it takes new requests; ``decodes``: it answers them to the end."""

    index: int
    scheduler: Scheduler
    prefills: bool = True
    decodes: bool = True
    plan: Plan | None = None
    incoming: int = 0
    """Sequences whose cache is on its way here."""
    busy_ps: int = 0
    steps: int = 0
    tokens: int = 0
    decoded: int = 0
    swapped_tokens: int = 0
    kv_area: int = 0
    """Pages in use x ps of the steps."""

    @property
    def load(self) -> int:
        """Sequences here or on their way."""
        return self.scheduler.load + self.incoming

    def start(self, costs: Costs) -> int | None:
        """Begin the next step if there is one; how long it takes."""
        plan = self.scheduler.plan()
        if plan.empty:
            return None
        step = plan.composition(self.scheduler.rules.queries)
        took_ps = costs.step_ps(step)
        if plan.swapped_pages:
            tokens = plan.swapped_pages * self.scheduler.pool.page_tokens
            took_ps += costs.swap_ps(tokens)
            self.swapped_tokens += tokens
        self.plan = plan
        self.busy_ps += took_ps
        self.steps += 1
        self.tokens += step.tokens
        self.decoded += step.decodes
        self.kv_area += self.scheduler.pool.used * took_ps
        return took_ps


@dataclass
class Fleet:
    """All copies of the model."""

    copies: list[Copy] = field(default_factory=list)

    def for_prompt(self) -> Copy:
        """The copy with the fewest sequences of those that take prompts."""
        return min((copy for copy in self.copies if copy.prefills), key=lambda copy: (copy.load, copy.index))

    def for_answer(self) -> Copy:
        """The copy with the fewest sequences of those that answer to the end."""
        return min((copy for copy in self.copies if copy.decodes), key=lambda copy: (copy.load, copy.index))
