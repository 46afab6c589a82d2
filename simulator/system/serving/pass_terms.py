"""The terms of one pass of one model through a mixed step, each a difference of simulated plain passes.

A pass of N tokens, those of B sequences that decode behind c tokens each and pieces of n tokens of prompts behind p:

    T = M(N) + H(s) + D(B, c) + sum of P(n, p) + (groups - 1) G

M(N): N tokens, each a sequence by itself behind nothing, one of which chooses a token. H(s): what it adds that s do.
D(B, c): what the B caches add. P(n, p): what one piece adds over n single tokens. G: what a second group of attention
adds. ``prompt``: that a step has tokens of a prompt, where that changes M.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import product

from simulator.system.serving.composition import Chunk
from simulator.system.serving.grid import Between, between
from simulator.system.serving.step_cost import Point, StepCost
from simulator.workload.serving_graphs import Group
from simulator.workload.step import Step

Terms = Iterator[tuple[float, Point]]

FINE, MIDDLE, COARSE = 16, 8, 4
"""Grid points an octave: of tokens, of sequences, and of lengths of prompts and contexts."""

LEAST_CONTEXT = 64
"""Contexts below are interpolated from 0."""

NO_LIMIT = 2**40


class Points:
    """Simulated pieces of work, each simulated when first asked for."""

    def __init__(self) -> None:
        self._known: dict[tuple[object, ...], Point] = {}

    def get(self, key: tuple[object, ...], simulate: Callable[[], StepCost]) -> Point:
        """The point ``key``."""
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = Point(simulate())
        return found

    def all(self) -> list[Point]:
        """All of them, in the order of their first use."""
        return list(self._known.values())


def context_grid(context: int, most: int) -> Between:
    """Where a context lies: at 0, or on a grid from `LEAST_CONTEXT` on."""
    if 0 < context < LEAST_CONTEXT:
        return ((0, 1 - context / LEAST_CONTEXT), (LEAST_CONTEXT, context / LEAST_CONTEXT))
    return between(context, COARSE, most)


class PassTerms:
    """The terms of one model's passes, which are called ``name`` among the ``points``.

    ``simulate``: a pass for groups, in which so many tokens choose one. ``most``: the longest context.
    """

    def __init__(
        self, name: object, points: Points, simulate: Callable[[tuple[Group, ...], int], StepCost], most: int
    ) -> None:
        self._name = name
        self._points = points
        self._simulate = simulate
        self._most = most

    def point(self, groups: tuple[Group, ...], sampled: int) -> Point:
        """A pass as it is."""
        return self._points.get((self._name, groups, sampled), lambda: self._simulate(groups, sampled))

    def single(self, tokens: int, sampled: int, *, prompt: bool = False) -> Point:
        """``tokens`` tokens, each behind nothing."""
        return self.point((Group(Step(tokens, 1, 0), prompt),), sampled)

    def tokens(self, tokens: int, *, prompt: bool) -> Terms:
        """M(N)."""
        for n, weight in between(tokens, FINE, NO_LIMIT):
            yield weight, self.single(n, 1, prompt=prompt)

    def choices(self, sampled: int) -> Terms:
        """H(s)."""
        if sampled > 1:
            for n, weight in between(sampled, MIDDLE, NO_LIMIT):
                yield weight, self.single(n, n)
                yield -weight, self.single(n, 1)

    def caches(self, sequences: int, context: int, queries: int, point: Callable[[int, int], Point]) -> Terms:
        """D(B, c); ``point``: a whole decode step of so many sequences, of ``queries`` tokens each, behind so many."""
        sizes = between(sequences, MIDDLE, NO_LIMIT)
        for (batch, share), (length, part) in product(sizes, context_grid(context, self._most)):
            yield share * part, point(batch, length)
        for batch, share in sizes:
            yield -share, self.single(batch * queries, batch * queries)

    def pieces(self, chunks: Sequence[Chunk], *, prompt: bool) -> Terms:
        """P(n, p) of each piece of a prompt."""
        for chunk in chunks:
            sizes = between(chunk.tokens, COARSE, NO_LIMIT)
            for (tokens, share), (position, part) in product(sizes, context_grid(chunk.position, self._most)):
                yield share * part, self.point((Group(Step(1, tokens, position), prompt=True),), 1)
            for tokens, share in sizes:
                yield -share, self.single(tokens, 1, prompt=prompt)

    def more_groups(self, times: int) -> Terms:
        """G, from two single tokens in two groups."""
        if times > 0:
            one = Group(Step(1, 1, 0))
            yield times, self.point((one, one), 1)
            yield -times, self.single(2, 1)
