"""The graphs of a step of a request stream, as the workload's optimisations change them.

In such a step some sequences decode and pieces of prompts are computed, each a `Group`. Products with weights take the
tokens of all groups at once (`mixed_graph`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from simulator.workload.graph import step_graph
from simulator.workload.mixed_graph import mixed_graph
from simulator.workload.model import Model
from simulator.workload.optimizations import Draft, Optimization
from simulator.workload.optimizations.base import Graph, StepView
from simulator.workload.optimizations.decoding import Pass
from simulator.workload.scenario import Workload
from simulator.workload.step import Step
from simulator.workload.step_graphs import Held, StepGraphs, rewritten
from simulator.workload.tail import for_every_position


@dataclass(frozen=True, slots=True)
class Group:
    """Sequences that do the same in a step; ``prompt``: it is a piece of a prompt."""

    step: Step
    prompt: bool = False


class ServingGraphs:
    """The graphs of one request stream; batch and lengths of ``workload`` play no role.

    ``held``, ``alike``: as of `StepGraphs`.
    """

    def __init__(self, workload: Workload, *, held: Held | None = None, alike: bool = False) -> None:
        self._workload = workload
        self._held = held or (lambda model: model)
        self._steps = StepGraphs(workload, held=held, alike=alike)
        self.decoding = workload.decoding

    @property
    def drafts(self) -> tuple[Draft, ...]:
        """Further models that lie in memory."""
        return self.decoding.drafts(self._workload.model) if self.decoding else ()

    @property
    def queries(self) -> int:
        """New tokens of a sequence that decodes, in a step."""
        return self.decoding.queries if self.decoding else 1

    @property
    def whole_prompt(self) -> bool:
        """Whether tokens of a prompt change what a step costs that all its tokens share."""
        return any(method.whole_prompt for method in self._workload.methods)

    def step(self, groups: Sequence[Group], sampled: int) -> Graph:
        """One pass of the workload's model, in which ``sampled`` of all tokens choose a token."""
        return self._pass(self._workload.model, groups, sampled, self._workload.methods)

    def draft_pass(self, drafter: int, groups: Sequence[Group]) -> Pass:
        """Pieces of prompts through one of the drafts, by its number."""
        build = _StepBuilder(self, self._workload, None, [group.step for group in groups], 1)
        assert self.decoding is not None
        return self.decoding.prompt_passes(build)[drafter]

    def draft_pieces(self, model: Model, pieces: Sequence[Step]) -> Graph:
        """Pieces of prompts through a draft model, no block applied."""
        return self._pass(model, [Group(piece, prompt=True) for piece in pieces], 1, ())

    def passes(self, decodes: Step | None, pieces: Sequence[Step], complete: int) -> tuple[Pass, ...]:
        """Everything that happens in a step, in order.

        ``decodes``: the sequences that decode, with one query. ``pieces``: of prompts, of which ``complete`` are done.
        """
        build = _StepBuilder(self, self._workload, decodes, pieces, complete)
        prompts = [Group(piece, prompt=True) for piece in pieces]
        before = self.decoding.prompt_passes(build) if self.decoding and pieces else ()
        if decodes is None:
            return (*before, Pass(self.step(prompts, max(1, complete))))
        if self.decoding is None or (pieces and not self.decoding.with_prompts):
            return (*before, Pass(self.step([Group(decodes), *prompts], decodes.batch + complete)))
        return (*before, *self.decoding.passes(build, decodes.position))

    def draft_step(self, model: Model, step: Step) -> Graph:
        """A step of a draft model with a choice behind every token, no block applied."""
        return self._plain(model, [step], step.tokens)

    def _pass(self, model: Model, groups: Sequence[Group], sampled: int, methods: tuple[Optimization, ...]) -> Graph:
        steps = [group.step for group in groups]
        graph = self._plain(model, steps, sampled)
        tokens, prompts = sum(step.tokens for step in steps), tuple(group.prompt for group in groups)
        view = StepView(self._held(model), self._workload.precision, Step(tokens, 1, 0), prompts=prompts)
        return rewritten(graph, methods, view)

    def _plain(self, model: Model, steps: Sequence[Step], sampled: int) -> Graph:
        layers = self._steps.blocks(model, sum(step.tokens for step in steps))

        def build(step: Step) -> Graph:
            return step_graph(self._held(model), step, self._workload.precision, layers)

        first = steps[0]
        if len(steps) > 1 or sampled not in (first.batch, first.tokens):
            return mixed_graph(build, steps, sampled)
        graph = build(first)
        if sampled != first.batch:
            for_every_position(graph, first.queries)
        return graph


class _StepBuilder:
    """Gives a block of fast decoding the graphs of one step, pieces of prompts included; a `Builder`."""

    def __init__(
        self, graphs: ServingGraphs, workload: Workload, decodes: Step | None, pieces: Sequence[Step], complete: int
    ) -> None:
        self._graphs = graphs
        self._pieces = pieces
        self._complete = complete
        self.model = workload.model
        self.batch = decodes.batch if decodes else 0

    def decode_graph(self, context: int, *, queries: int = 1, batch: int | None = None) -> Graph:
        """The model's own step for all groups, with logits for all ``queries`` tokens of those that decode."""
        decodes = Step(self.batch if batch is None else batch, queries, context)
        groups = [Group(decodes), *(Group(piece, prompt=True) for piece in self._pieces)]
        return self._graphs.step(groups, decodes.tokens + self._complete)

    def draft_graph(self, model: Model, context: int, *, width: int = 1) -> Graph:
        """A step of a draft model for the sequences that decode."""
        return self._graphs.draft_step(model, Step(self.batch, width, context))

    def draft_prompt(self, model: Model) -> Graph:
        """The pieces of prompts through a draft model."""
        return self._graphs.draft_pieces(model, self._pieces)
