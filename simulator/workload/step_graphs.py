"""The step graphs of a workload, as its optimisations change them."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from simulator.workload.alike import Alike, alike_blocks, each_block
from simulator.workload.graph import DecodeGraphs, step_graph
from simulator.workload.model import Model
from simulator.workload.optimizations.base import Graph, Optimization, StepView
from simulator.workload.optimizations.decoding import Pass
from simulator.workload.optimizations.graphs import in_order
from simulator.workload.pieces import pieces_of
from simulator.workload.scenario import Workload
from simulator.workload.step import Step
from simulator.workload.tail import for_every_position

Held = Callable[[Model], Model]
"""A model -> what of it those have whose graphs these are."""


class StepGraphs:
    """The graphs of one workload; steps share every op that does not depend on the context.

    ``batch``: sequences, if not all of the workload's. ``held``: what of a model the graphs are of; None: all of it.
    ``alike``: blocks that do the same are there once (`blocks` says for which they stand), as far as no method tells
    them apart. ``piece``: of the prompts, in place of all of them: the number of a device, and how many there are.
    """

    def __init__(
        self,
        workload: Workload,
        *,
        batch: int | None = None,
        held: Held | None = None,
        alike: bool = False,
        piece: tuple[int, int] = (0, 1),
    ) -> None:
        self._workload = workload
        self._methods = workload.methods
        self._decoding = workload.decoding
        self._batch = workload.batch if batch is None else batch
        self._held = held or (lambda model: model)
        self._piece = piece
        self._once = alike and not any(method.by_layer for method in self._methods)
        self._decode: dict[tuple[str, int, int], DecodeGraphs] = {}

    @property
    def model(self) -> Model:
        """The workload's model."""
        return self._workload.model

    @property
    def batch(self) -> int:
        """Sequences."""
        return self._batch

    def blocks(self, model: Model, tokens: int) -> Alike:
        """The blocks that graphs for ``tokens`` tokens of ``model`` have, each with those that it stands for."""
        held = self._held(model)
        return alike_blocks(held, tokens) if self._once else each_block(held)

    def prefill(self) -> Graph:
        """The prompt in one pass."""
        return self._rewritten(self.draft_prompt(self.model), self._prompt())

    def prompt_passes(self) -> tuple[Pass, ...]:
        """Everything that happens before the first token, in order."""
        more = self._decoding.prompt_passes(self) if self._decoding else ()
        return (*more, Pass(self.prefill()))

    def passes(self, context: int) -> tuple[Pass, ...]:
        """Everything that happens in a decode step with ``context`` tokens cached before it, in order."""
        if self._decoding:
            return self._decoding.passes(self, context)
        return (Pass(self.decode_graph(context)),)

    def decode_graph(self, context: int, *, queries: int = 1, batch: int | None = None) -> Graph:
        """A step of the workload's model, with logits for all ``queries`` new tokens, as all blocks change it.

        ``batch``: of so many sequences, if not of all.
        """
        sequences = self.batch if batch is None else batch
        graph = self._plain(self.model, sequences, queries).at(context)
        if queries > 1:
            for_every_position(graph, queries)
        return self._rewritten(graph, Step(sequences, queries, context))

    def draft_graph(self, model: Model, context: int, *, width: int = 1) -> Graph:
        """A step of ``model`` for ``width`` tokens of each sequence, in the workload's formats, no block applied."""
        graph = self._plain(model, self.batch, width).at(context)
        if width > 1:
            for_every_position(graph, width)
        return graph

    def draft_prompt(self, model: Model) -> Graph:
        """The prompt through ``model``, in the workload's formats, no block applied."""
        layers = self.blocks(model, self._prompt(0).tokens)
        return step_graph(self._held(model), self._prompt(), self._workload.precision, layers)

    def _prompt(self, number: int | None = None) -> Step:
        """The step of the prompt, or of its own or another piece of it."""
        own, pieces = self._piece
        tokens = self._workload.prompt_tokens
        if pieces == 1:
            return Step(self.batch, tokens, 0)
        return pieces_of(self.batch, tokens, pieces)[own if number is None else number]

    def _plain(self, model: Model, batch: int, queries: int) -> DecodeGraphs:
        key = (model.name, batch, queries)
        found = self._decode.get(key)
        if found is None:
            found = self._decode[key] = DecodeGraphs(
                self._held(model),
                batch=batch,
                precision=self._workload.precision,
                queries=queries,
                layers=self.blocks(model, batch * queries),
            )
        return found

    def _rewritten(self, graph: Graph, step: Step) -> Graph:
        return rewritten(graph, self._methods, StepView(self._held(self.model), self._workload.precision, step))


def rewritten(graph: Graph, methods: Iterable[Optimization], view: StepView) -> Graph:
    """``graph``, which may be changed in place, as ``methods`` change it."""
    ops = len(graph)
    for method in methods:
        graph = method.rewrite(graph, view)
    return graph if len(graph) == ops else in_order(graph)
