"""How long a step takes: exact simulations of plain steps on a grid, put together and interpolated.

`pass_terms` says how a pass of the model is put together. All that is counted in a step (energy, bytes, commands) is
put together in the same way. With fast decoding D(B, c) is the difference of whole decode steps, drafts included, and
pieces of prompts go through the draft model, too.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from simulator.system.serving.composition import Composition
from simulator.system.serving.grid import between
from simulator.system.serving.pass_terms import COARSE, NO_LIMIT, PassTerms, Points, Terms, context_grid
from simulator.system.serving.platform_steps import IDLE_PS, PlatformSteps
from simulator.system.serving.reservoir import Reservoir
from simulator.system.serving.step_cost import Point, StepCost
from simulator.workload.serving_graphs import Group
from simulator.workload.step import Step


class StepCosts:
    """The costs of one request stream; `Costs` of `copies`.

    ``positions``: the longest context. With ``exact`` every composition is simulated as it is.
    """

    def __init__(self, steps: PlatformSteps, positions: int, seed: int, *, exact: bool = False) -> None:
        self.points = Points()
        self._steps = steps
        self._most = positions
        self._exact = exact
        self._decoding = steps.graphs.decoding
        self._model = PassTerms("step", self.points, steps.groups, positions)
        self._drafters = [
            PassTerms(("drafter", at), self.points, partial(steps.draft_pieces, at), positions)
            for at in range(len(steps.graphs.drafts))
        ]
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
            return self._round_point(step.tokens, step.mean_context, step.sampled, prompt=self._prompt(step))
        pieces = tuple(Step(1, chunk.tokens, chunk.position) for chunk in step.chunks)
        decodes = Step(step.decodes, 1, step.context) if step.decodes else None
        if self._decoding is None:
            groups = (*([Group(decodes)] if decodes else []), *(Group(piece, prompt=True) for piece in pieces))
            return self._model.point(groups, max(1, step.sampled))
        if decodes and not pieces:
            return self._decode_point(step.decodes, step.context)
        key = ("whole", decodes, pieces, step.complete)
        return self.points.get(key, lambda: self._steps.whole(decodes, pieces, step.complete))

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
        for at, weight in between(tokens, COARSE, NO_LIMIT):
            point = self.points.get((what, at), partial(simulate, at))
            point.count(what, weight)
            total += weight * point.time_ps
        return round(total)

    def _prompt(self, step: Composition) -> bool:
        """Whether its pieces of prompts change what all its tokens share."""
        return bool(step.chunks) and self._steps.graphs.whole_prompt

    def _mixed(self, step: Composition) -> Terms:
        prompt = self._prompt(step)
        yield from self._model.tokens(step.tokens, prompt=prompt)
        yield from self._model.choices(step.sampled)
        if step.decodes:
            whole = self._decoding is not None and (self._decoding.with_prompts or not step.chunks)
            point = self._decode_point if whole else self._plain_point
            yield from self._model.caches(step.decodes, step.context, step.queries, point)
        yield from self._model.pieces(step.chunks, prompt=prompt)
        yield from self._model.more_groups(len(step.chunks) + bool(step.decodes) - 1)
        for drafter in self._drafters if step.chunks else ():
            yield from drafter.tokens(sum(chunk.tokens for chunk in step.chunks), prompt=False)
            yield from drafter.pieces(step.chunks, prompt=False)
            yield from drafter.more_groups(len(step.chunks) - 1)

    def _plain_point(self, sequences: int, context: int) -> Point:
        return self._model.point((Group(Step(sequences, 1, context)),), sequences)

    def _decode_point(self, sequences: int, context: int) -> Point:
        """A step in which nothing but ``sequences`` decode, with all passes that the methods make of it."""
        step = Step(sequences, 1, context)
        return self.points.get(("decode", step), lambda: self._steps.whole(step, (), 0))

    def _round(self, step: Composition) -> Terms:
        """A round of a pipeline: each number of tokens is simulated, contexts and numbers of choices interpolated."""
        tokens, prompt = step.tokens, self._prompt(step)
        for context, weight in context_grid(step.mean_context, self._most):
            yield weight, self._round_point(tokens, context, 1, prompt=prompt)
        whole, chosen = self._steps.microbatches(tokens, max(1, step.sampled))
        if chosen > 1:
            share = (chosen - 1) / (whole - 1)
            yield share, self._round_point(tokens, 0, tokens, prompt=prompt)
            yield -share, self._round_point(tokens, 0, 1, prompt=prompt)

    def _round_point(self, tokens: int, context: int, sampled: int, *, prompt: bool) -> Point:
        sampled = max(1, sampled)
        simulate = partial(self._steps.round, tokens, context, sampled, prompt=prompt)
        return self.points.get(("round", tokens, context, sampled, prompt), simulate)
