"""Iteration-level scheduling on one copy of the model: who waits, who runs, and what the next step does."""

from __future__ import annotations

from collections import deque

from simulator.config.traffic_schema import Serving
from simulator.errors import CapacityError, ConfigError
from simulator.system.serving.decode_rules import DecodeRules
from simulator.system.serving.pages import PagePool
from simulator.system.serving.planner import Plan, Planner, serving_policies
from simulator.system.serving.sequence import Sequence


class Scheduler:
    """Continuous batching with a KV cache of ``pages`` pages.

    Sequences are admitted first come, first served, when there are pages for all that they have to compute. When a
    sequence that decodes finds no page, the one admitted last gives up its own and waits, first in line, to come back.
    Raises ConfigError for an unknown policy.
    """

    def __init__(self, serving: Serving, pages: int, rules: DecodeRules | None = None) -> None:
        self.serving = serving
        self.rules = rules or DecodeRules()
        self.pool = PagePool(pages, serving.page_tokens, keep_prefixes=serving.prefix_cache, kept=self.rules.kept)
        self.waiting: deque[Sequence] = deque()
        self.running: list[Sequence] = []
        self.preemptions = self.recomputed_tokens = 0
        self.decoded_tokens = self.rejected_tokens = 0
        if serving.policy not in serving_policies:
            raise ConfigError(serving_policies.unknown(serving.policy), key="traffic.serving.policy")
        self._policy = serving_policies.get(serving.policy)

    @property
    def load(self) -> int:
        """Sequences that wait or run."""
        return len(self.waiting) + len(self.running)

    def submit(self, sequence: Sequence) -> None:
        """A sequence has arrived. Raises CapacityError for one whose cache can never fit."""
        needed = self.pool.pages_of(sequence.request.cached_tokens + self.rules.queries - 1)
        if needed > self.pool.total:
            raise CapacityError(
                f"request {sequence.request.index + 1} needs {needed} pages of {self.pool.page_tokens} tokens, the KV "
                f"cache has {self.pool.total}"
            )
        self.waiting.append(sequence)

    def plan(self) -> Plan:
        """The next step; empty when nothing can be done now."""
        planner = Planner(self)
        self._policy(planner)
        return planner.plan

    def next_waiting(self) -> Sequence | None:
        """The sequence to be admitted next, if there may be one more."""
        if not self.waiting or len(self.running) >= self.serving.max_sequences:
            return None
        return self.waiting[0]

    def admit(self) -> Sequence | None:
        """Let the first in line run, with pages for all it has to compute; None when there are too few."""
        sequence = self.waiting[0]
        if not sequence.cached:
            self.pool.share(sequence)
        if not self.pool.grow(sequence, max(sequence.target, sequence.cached + self.rules.queries)):
            self.pool.unshare(sequence)
            return None
        self.waiting.popleft()
        self.enter(sequence)
        return sequence

    def enter(self, sequence: Sequence) -> None:
        """``sequence``, which has its pages, runs from now on."""
        sequence.running = True
        self.running.append(sequence)

    def preempt(self, victim: Sequence) -> int:
        """``victim`` gives up its pages and waits first in line; pages that move to the host for it."""
        self.preemptions += 1
        self.running.remove(victim)
        victim.running = False
        self.waiting.appendleft(victim)
        moved = victim.pages + victim.shared_pages
        self.pool.release(victim)
        if self.serving.preemption == "swap" and victim.decoding:
            victim.swapped_pages = moved
            victim.preemptions += 1
            return moved
        self.recomputed_tokens += victim.cached
        victim.forget()
        return 0

    def finish(self, plan: Plan, now_ps: int) -> list[Sequence]:
        """The step ``plan`` has ended: count its tokens; gives the sequences whose last token is out."""
        for sequence in plan.decodes:
            tokens = self.rules.tokens(sequence)
            sequence.cached += tokens
            sequence.emit(now_ps, tokens)
            self.decoded_tokens += tokens
            self.rejected_tokens += self.rules.queries - tokens
        for sequence, tokens in plan.chunks:
            sequence.cached += tokens
            self.pool.keep_prefix(sequence)
            if sequence.decoding:
                sequence.emit(now_ps)
        done = [sequence for sequence in self.running if sequence.finished]
        for sequence in done:
            self.leave(sequence)
        return done

    def leave(self, sequence: Sequence) -> None:
        """``sequence`` is done here."""
        self.running.remove(sequence)
        sequence.running = False
        self.pool.release(sequence)

    def hold(self, sequence: Sequence) -> None:
        """``sequence`` takes part in no step any more, but its cache stays until the pool releases it."""
        self.running.remove(sequence)
        sequence.running = False

    def receive(self, sequence: Sequence) -> bool:
        """Reserve the pages of a cache that comes from another copy; False when there is no room."""
        return self.pool.grow(sequence, sequence.cached + self.rules.queries)
