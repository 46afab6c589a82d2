"""The step graphs of a workload, as its optimisations change them."""

from __future__ import annotations

from dataclasses import replace

from simulator.workload.graph import DecodeGraphs, prefill_graph
from simulator.workload.model import Model
from simulator.workload.optimizations.base import Graph, StepView
from simulator.workload.optimizations.decoding import Pass
from simulator.workload.optimizations.graphs import in_order
from simulator.workload.scenario import Workload
from simulator.workload.step import Step
from simulator.workload.tail import for_every_position


class StepGraphs:
    """The graphs of one workload; steps share every op that does not depend on the context."""

    def __init__(self, workload: Workload) -> None:
        self._workload = workload
        self._methods = workload.methods
        self._decoding = workload.decoding
        self._decode: dict[tuple[str, int, int], DecodeGraphs] = {}

    @property
    def model(self) -> Model:
        """The workload's model."""
        return self._workload.model

    @property
    def batch(self) -> int:
        """Sequences."""
        return self._workload.batch

    def prefill(self) -> Graph:
        """The prompt in one pass."""
        prompt = self._workload.prompt_tokens
        graph = self.draft_prompt(self.model)
        return self._rewritten(graph, Step(self.batch, prompt, 0))

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
        workload = self._workload
        return prefill_graph(
            model, batch=workload.batch, prompt_tokens=workload.prompt_tokens, precision=workload.precision
        )

    def _plain(self, model: Model, batch: int, queries: int) -> DecodeGraphs:
        key = (model.name, batch, queries)
        found = self._decode.get(key)
        if found is None:
            graphs = DecodeGraphs(model, batch=batch, precision=self._workload.precision, queries=queries)
            found = self._decode[key] = graphs
        return found

    def _rewritten(self, graph: Graph, step: Step) -> Graph:
        view, ops = StepView(self.model, self._workload.precision, step), len(graph)
        for method in self._methods:
            graph = method.rewrite(graph, view)
        return graph if len(graph) == ops else in_order(graph)


def one_block(workload: Workload, model: Model, batch: int) -> StepGraphs:
    """The graphs of one block of ``model``, a part of the workload's, for ``batch`` sequences."""
    return StepGraphs(replace(workload, model=replace(model, n_layers=1), batch=batch))
