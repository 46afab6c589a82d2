"""Speculative decoding: a small model, or heads of the model, draft tokens that one step of the model verifies."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from itertools import takewhile
from random import Random
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from simulator.config.faults import Fault, semantic_check
from simulator.errors import ConfigError, WorkloadError
from simulator.workload.model import Model
from simulator.workload.model_file import load_model
from simulator.workload.optimizations.acceptance import Profile, by_position, expected_tokens
from simulator.workload.optimizations.base import FileColumns, Graph, StepView, optimization
from simulator.workload.optimizations.decoding import Builder, Decoding, Draft, Pass
from simulator.workload.optimizations.graphs import in_order
from simulator.workload.optimizations.heads import add_eagle_input, add_medusa_heads

MOST_DRAFTED = 64


@optimization("speculative")
class Speculative(Decoding):
    """``depth`` tokens are drafted one after the other and verified in one step.

    ``drafter``: a ``model`` by its name; ``medusa``, a head of the model for each position; or ``eagle``, one block of
    the model's shape that reads hidden state and token. ``acceptance``: of each position, given that of the one before
    it. ``width``: nodes of the tree on each level, by default one; the acceptance of a level is that of the best of its
    nodes. ``on``: the component that runs a draft model, or several, each op on the first that can; its weights and
    cache lie in their memory, and tokens cross the links between them and the model.
    """

    order = 20
    from_file: ClassVar[FileColumns] = {"acceptance": ("acceptance",)}
    model_keys: ClassVar[tuple[str, ...]] = ("model",)

    drafter: Literal["model", "medusa", "eagle"]
    model: str | None = None
    on: str | Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    depth: Annotated[int, Field(ge=1, le=MOST_DRAFTED)]
    acceptance: Profile
    width: tuple[Annotated[int, Field(ge=1, le=256)], ...] = ()

    @property
    def levels(self) -> tuple[int, ...]:
        """Nodes of the tree on each level."""
        return self.width or (1,) * self.depth

    @property
    def tokens_per_step(self) -> float:
        """The accepted ones, and the one that verification adds."""
        return expected_tokens(by_position(self.acceptance, self.depth))

    def draw_tokens(self, random: Random) -> int:
        """One more than the drafted levels that are accepted before the first that is not."""
        accepted = takewhile(lambda chance: random.random() < chance, by_position(self.acceptance, self.depth))
        return 1 + sum(1 for _ in accepted)

    @property
    def queries(self) -> int:
        """The last token, and every node of the tree."""
        return 1 + sum(self.levels)

    @cached_property
    def _draft_model(self) -> Model:
        assert self.model is not None
        try:
            return load_model(self.model)
        except (ConfigError, WorkloadError) as error:
            raise self.fault(
                "model", error.message if error.file is None else f"{error.file}: {error.message}"
            ) from None

    def check(self, model: Model) -> None:
        """A draft model has the same vocabulary."""
        if self.drafter == "model" and self._draft_model.vocab_size != model.vocab_size:
            raise self.fault(
                "model",
                f"{self._draft_model.name} has a vocabulary of {self._draft_model.vocab_size} tokens, {model.name} one "
                f"of {model.vocab_size}: drafts could not be verified",
            )

    def _eagle(self, model: Model) -> Model:
        return replace(model, name=f"{model.name}.eagle", n_layers=1)

    def drafts(self, model: Model) -> tuple[Draft, ...]:
        """The draft model; an EAGLE block shares embedding and LM head with the model. Heads are ops of the model."""
        if self.drafter == "model":
            on = (self.on,) if isinstance(self.on, str) else self.on or ()
            return (Draft(self._draft_model, on=on),)
        return (Draft(self._eagle(model), shares_ends=True),) if self.drafter == "eagle" else ()

    def prompt_passes(self, build: Builder) -> tuple[Pass, ...]:
        """The prompt through the draft model, before that of the model."""
        return tuple(
            Pass(self._drafting(build.draft_prompt(each.model)), on=each.on, model=each.model)
            for each in self.drafts(build.model)
        )

    def passes(self, build: Builder, context: int) -> tuple[Pass, ...]:
        """A step of the draft model for each level, then the model for all nodes."""
        verify = Pass(build.decode_graph(context, queries=self.queries))
        found = []
        for each in self.drafts(build.model):
            cached = context
            for width in (1, *self.levels[:-1]):
                graph = self._drafting(build.draft_graph(each.model, cached, width=width))
                found.append(Pass(graph, on=each.on, model=each.model))
                cached += width
        return (*found, verify)

    def _drafting(self, graph: Graph) -> Graph:
        if self.drafter != "eagle":
            return graph
        add_eagle_input(graph)
        return in_order(graph)

    def rewrite(self, graph: Graph, view: StepView) -> Graph:
        """The heads of Medusa, on every position."""
        if self.drafter == "medusa":
            add_medusa_heads(graph, view.model, view.precision, self.depth)
        return graph

    def quality(self) -> None:
        """Verification accepts what the model itself would have said."""

    def assumptions(self) -> tuple[str, ...]:
        """What is taken for granted."""
        found = [
            f"each step yields {self.tokens_per_step:.4g} tokens of each sequence, the expected number",
            "every node of a tree attends to all nodes before it; rejected tokens leave the cache at no cost",
        ]
        if self.drafter != "medusa":
            found.append("drafts and verification follow each other; the drafter works in the formats of precision")
        if self.on is not None:
            found.append("of drafted tokens their numbers cross the links, not their probabilities: choices are greedy")
        return tuple(found)


@semantic_check(Speculative)
def _goes_together(block: Speculative) -> Iterator[Fault]:
    if (block.model is None) == (block.drafter == "model"):
        yield Fault(("model",), "a draft model is named where drafter is 'model', and only there")
    if block.on is not None and block.drafter != "model":
        yield Fault(("on",), f"{block.drafter} heads run where the model does")
    if block.width and len(block.width) != block.depth:
        yield Fault(("width",), f"{len(block.width)} levels, but depth is {block.depth}")
    if isinstance(block.acceptance, tuple) and len(block.acceptance) != block.depth:
        yield Fault(("acceptance",), f"{len(block.acceptance)} positions, but depth is {block.depth}")
