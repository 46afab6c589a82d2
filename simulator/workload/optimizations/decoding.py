"""Fast decoding: blocks that say what passes a decode step is made of and how many tokens it yields."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import ClassVar, Protocol

from simulator.workload.model import Model
from simulator.workload.optimizations.base import Graph, Optimization


@dataclass(frozen=True)
class Pass:
    """One graph of a step. ``share``: of the steps in which it happens.

    ``on``: the components that run its ops, each the first that can; empty where the platform's placement says who.
    ``model``: whose graph it is; None for the workload's.
    """

    graph: Graph = field(repr=False)
    share: float = 1.0
    on: tuple[str, ...] = ()
    model: Model | None = None


@dataclass(frozen=True)
class Draft:
    """A further model in memory, with its own cache.

    ``shares_ends``: its embedding and LM head are those of the workload's model. ``on``: as of a `Pass`.
    """

    model: Model
    shares_ends: bool = False
    on: tuple[str, ...] = ()


class Builder(Protocol):
    """What gives a block its graphs."""

    @property
    def model(self) -> Model:
        """The workload's model."""

    @property
    def batch(self) -> int:
        """Sequences."""

    def decode_graph(self, context: int, *, queries: int = 1, batch: int | None = None) -> Graph:
        """A step of the workload's model, with logits for all ``queries`` new tokens, as all blocks change it.

        ``batch``: of so many sequences, if not of all.
        """

    def draft_graph(self, model: Model, context: int, *, width: int = 1) -> Graph:
        """A step of ``model`` for ``width`` tokens of each sequence, in the workload's formats, no block applied."""

    def draft_prompt(self, model: Model) -> Graph:
        """The prompt through ``model``, in the workload's formats, no block applied."""


class Decoding(Optimization):
    """A block that says what a decode step is. A workload has one at most.

    ``with_prompts``: whether that also holds of a step in which pieces of prompts are computed, too; else such a step
    decodes as without the block.
    """

    with_prompts: ClassVar[bool] = True

    @property
    def tokens_per_step(self) -> float:
        """Tokens that a step yields for each sequence, on average."""
        return 1.0

    @property
    def queries(self) -> int:
        """New tokens of each sequence that the model processes in a step."""
        return 1

    def draw_tokens(self, random: Random) -> int:
        """Tokens that one step yields for one sequence, drawn so that their mean is `tokens_per_step`."""
        del random
        return 1

    def drafts(self, model: Model) -> tuple[Draft, ...]:
        """Further models that lie in memory; ``model`` is the workload's."""
        del model
        return ()

    def prompt_passes(self, build: Builder) -> tuple[Pass, ...]:
        """What goes before the model's own prompt."""
        del build
        return ()

    def passes(self, build: Builder, context: int) -> tuple[Pass, ...]:
        """The graphs of a step with ``context`` tokens cached before it, one after the other."""
        return (Pass(build.decode_graph(context)),)
