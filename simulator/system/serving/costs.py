"""How long a step takes: exact simulations of plain steps on a grid, put together and interpolated.

A step of N tokens, those of B sequences that decode behind c tokens each and pieces of n tokens of prompts behind p:

    T = M(N) + H(s) + D(B, c) + sum of P(n, p) + (groups - 1) G

M(N): N tokens, each a sequence by itself behind nothing, one of which chooses a token. H(s): what it adds that s do.
D(B, c): what the B caches add. P(n, p): what one piece adds over n single tokens. G: what a second group of attention
adds. Each is a difference of simulations of whole steps, so a plain step on the grid is what its simulation says. All
that is counted in a step (energy, bytes, commands) is put together in the same way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product

from simulator.system.serving.composition import Chunk, Composition
from simulator.system.serving.grid import Between, between
from simulator.system.serving.platform_steps import IDLE_PS, PlatformSteps
from simulator.system.serving.reservoir import Reservoir
from simulator.system.serving.step_cost import Point, StepCost
from simulator.workload.step import Step

Terms = Iterator[tuple[float, Point]]

FINE, MIDDLE, COARSE = 16, 8, 4
"""Grid points an octave: of tokens, of sequences, and of lengths of prompts and contexts."""

LEAST_CONTEXT = 64
"""Contexts below are interpolated from 0."""


class Points:
    """Simulated pieces of work, each simulated when first asked for."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, ...] | tuple[object, ...], Point] = {}

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


class StepCosts:
    """The costs of one request stream; `Costs` of `copies`.

    ``positions``: the longest context. With ``exact`` every composition is simulated as it is.
    """

    def __init__(self, steps: PlatformSteps, positions: int, seed: int, *, exact: bool = False) -> None:
        self.points = Points()
        self._steps = steps
        self._most = positions
        self._exact = exact
        self.seen = Reservoir(seed)
        self._terms = self._round if steps.pipelined else self._mixed

    def step_ps(self, step: Composition) -> int:
        """Time of a step, which counts from now on."""
        self.seen.offer(step)
        terms = [(1.0, self.exact_point(step))] if self._exact else self._terms(step)
        total, stage = 0.0, step.stage
        for weight, point in terms:
            total += weight * point.cost.time_ps
            point.count(stage, weight)
        return max(1, round(total))

    def estimate(self, step: Composition) -> tuple[float, dict[tuple[str, ...], float]]:
        """Time in ps and amounts of a step, which does not count."""
        total, amounts = 0.0, dict[tuple[str, ...], float]()
        for weight, point in self._terms(step):
            total += weight * point.time_ps
            for key, amount in point.cost.amounts.items():
                amounts[key] = amounts.get(key, 0.0) + weight * amount
        return total, amounts

    def exact_point(self, step: Composition) -> Point:
        """The simulation of a step as it is."""
        if self._steps.pipelined:
            return self._round_point(step.tokens, step.mean_context, step.sampled)
        groups = (*_decodes(step), *(Step(1, chunk.tokens, chunk.position) for chunk in step.chunks))
        return self._point(groups, max(1, step.sampled))

    def swap_ps(self, tokens: int) -> int:
        """Time of a swap, which counts."""
        return self._move("swap", tokens, self._steps.swap)

    def transfer_ps(self, tokens: int) -> int:
        """Time of a transfer, which counts."""
        return self._move("transfer", tokens, self._steps.transfer)

    def idle(self, idle_ps: int) -> None:
        """Copies have been without work for ``idle_ps`` together."""
        if idle_ps:
            point = self.points.get(("idle",), self._steps.idle)
            point.count("idle", idle_ps / IDLE_PS)

    def _move(self, what: str, tokens: int, simulate: Callable[[int], StepCost]) -> int:
        total = 0.0
        for at, weight in between(tokens, COARSE, 2**40):
            point = self.points.get((what, at), lambda at=at: simulate(at))  # type: ignore[misc]
            point.count(what, weight)
            total += weight * point.time_ps
        return round(total)

    def _point(self, groups: tuple[Step, ...], sampled: int) -> Point:
        return self.points.get(("step", groups, sampled), lambda: self._steps.groups(groups, sampled))

    def _single(self, tokens: int, sampled: int) -> Point:
        """``tokens`` tokens, each behind nothing."""
        return self._point((Step(tokens, 1, 0),), sampled)

    def _mixed(self, step: Composition) -> Terms:
        for tokens, weight in between(step.tokens, FINE, 2**40):
            yield weight, self._single(tokens, 1)
        yield from self._choices(step.sampled)
        if step.decodes:
            yield from self._caches(step.decodes, step.context)
        for chunk in step.chunks:
            yield from self._piece(chunk)
        more = len(step.chunks) + bool(step.decodes) - 1
        if more > 0:
            yield from self._second_group(more)

    def _choices(self, sampled: int) -> Terms:
        """H(s)."""
        if sampled > 1:
            for n, weight in between(sampled, MIDDLE, 2**40):
                yield weight, self._single(n, n)
                yield -weight, self._single(n, 1)

    def _caches(self, sequences: int, context: int) -> Terms:
        """D(B, c)."""
        sizes = between(sequences, MIDDLE, 2**40)
        for (batch, share), (length, part) in product(sizes, context_grid(context, self._most)):
            yield share * part, self._point((Step(batch, 1, length),), batch)
        for batch, share in sizes:
            yield -share, self._single(batch, batch)

    def _piece(self, chunk: Chunk) -> Terms:
        """P(n, p)."""
        sizes = between(chunk.tokens, COARSE, 2**40)
        for (tokens, share), (position, part) in product(sizes, context_grid(chunk.position, self._most)):
            yield share * part, self._point((Step(1, tokens, position),), 1)
        for tokens, share in sizes:
            yield -share, self._single(tokens, 1)

    def _second_group(self, times: int) -> Terms:
        """G, from two single tokens in two groups."""
        yield times, self._point((Step(1, 1, 0), Step(1, 1, 0)), 1)
        yield -times, self._single(2, 1)

    def _round(self, step: Composition) -> Terms:
        """A round of a pipeline: each number of tokens is simulated, contexts and numbers of choices interpolated."""
        tokens = step.tokens
        for context, weight in context_grid(step.mean_context, self._most):
            yield weight, self._round_point(tokens, context, 1)
        whole, chosen = self._steps.microbatches(tokens, max(1, step.sampled))
        if chosen > 1:
            share = (chosen - 1) / (whole - 1)
            yield share, self._round_point(tokens, 0, tokens)
            yield -share, self._round_point(tokens, 0, 1)

    def _round_point(self, tokens: int, context: int, sampled: int) -> Point:
        sampled = max(1, sampled)
        return self.points.get(("round", tokens, context, sampled), lambda: self._steps.round(tokens, context, sampled))


def _decodes(step: Composition) -> tuple[Step, ...]:
    return (Step(step.decodes, 1, step.context),) if step.decodes else ()
