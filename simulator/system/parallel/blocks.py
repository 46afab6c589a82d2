"""The blocks of a step on several devices: each kind of block is simulated once and counted as often as it is there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

import networkx as nx

from simulator.errors import MappingError
from simulator.mapping.parallel import pipeline
from simulator.mapping.parallel.policies import ALONE, Part, Place
from simulator.system.builder import System
from simulator.system.executor import ops_of
from simulator.system.parallel.cuts import blocks_of, layers_of, work_of
from simulator.system.parallel.parts import NOTHING, Often, Parts
from simulator.system.parallel.spread import Spread
from simulator.units.base import Sharing
from simulator.workload.alike import Alike


@dataclass(frozen=True)
class Kinds:
    """``graphs``: of each kind of block, one or one for each piece of the prompts; ``stages``: by stage, its kinds.

    ``places``: of each kind, where it has a place in its stage.
    """

    graphs: Sequence[Sequence[nx.DiGraph[str]]]
    stages: Sequence[Sequence[int]]
    places: Sequence[Place] = ()

    @property
    def placed(self) -> list[tuple[Sequence[nx.DiGraph[str]], Place]]:
        """The graphs of each kind, with its place."""
        return list(zip(self.graphs, self.places or [ALONE] * len(self.graphs), strict=True))

    def in_a_row(self) -> Kinds:
        """The same blocks, of other kinds where they have other places in their stages."""
        found: dict[tuple[int, Place], int] = {}
        stages = [
            [found.setdefault((kind, Place(number, len(stage))), len(found)) for number, kind in enumerate(stage)]
            for stage in self.stages
        ]
        return Kinds([self.graphs[kind] for kind, _ in found], stages, [place for _, place in found])

    @property
    def counted(self) -> list[Counter[int]]:
        """How many of each kind each stage has."""
        return [Counter(stage) for stage in self.stages]


def kinds_of(graphs: Sequence[nx.DiGraph[str]], spread: Spread, alike: Alike, *, coupled: bool) -> Kinds:
    """The kinds of block of a step, of which each graph is that of another piece of the prompts.

    ``alike``: for which blocks those in the graphs stand. ``coupled``: the blocks of a stage are one piece of work,
    because they do not just follow each other.
    """
    present = layers_of(graphs[0])
    if coupled:
        held = [tuple(block for block in stage if block in present) for stage in spread.stages]
        kinds, order = _grouped(graphs, held)
        return Kinds(kinds, [[kind] if blocks else [] for kind, blocks in zip(order, held, strict=True)])
    kinds, order = _grouped(graphs, [(layer,) for layer in present])
    kind_of = {block: kind for layer, kind in zip(present, order, strict=True) for block in alike[layer]}
    found = Kinds(kinds, spread.kinds_by_stage(kind_of))
    return found.in_a_row() if spread.policy.in_a_row else found


def _grouped(
    graphs: Sequence[nx.DiGraph[str]], pieces: Sequence[tuple[int, ...]]
) -> tuple[list[list[nx.DiGraph[str]]], list[int]]:
    """(graphs of those of the groups of blocks that differ, which of them each group is)."""
    found: dict[Hashable, int] = {}
    kinds: list[list[nx.DiGraph[str]]] = []
    order = []
    for layers in pieces:
        first = blocks_of(graphs[0], layers)
        number = found.setdefault(work_of(first) if len(pieces) > 1 else None, len(found))
        if number == len(kinds):
            kinds.append([first, *(blocks_of(graph, layers) for graph in graphs[1:])])
        order.append(number)
    return kinds, order


class Blocks:
    """Runs the blocks of a step.

    ``align``: each block starts with a refresh. ``each``: every block is simulated, not one of each kind.
    """

    def __init__(self, system: System, parts: Parts, *, align: bool, each: bool) -> None:
        self._system = system
        self._parts = parts
        self._align = align
        self._each = each

    def run(self, kinds: Kinds, spread: Spread, stage: str, weight: float, on: Sequence[str]) -> float:
        """All blocks of the pipeline, for all microbatches; for how many ps the slowest stage then waits for them."""
        plan = spread.plan
        for first, *_ in kinds.graphs:
            self._check_shared(first, spread, on)
        self._system.around.sharing = Sharing(plan.groups, plan.active)
        self._parts.aligned = self._align
        if self._align:
            self._parts.run(NOTHING, Often(stage, weight, 0))
        shares = [spread.share(graphs, place) for graphs, place in kinds.placed]
        turns = self._turns(kinds, shares, spread, stage, on)
        devices, groups = spread.block_groups
        every = weight * plan.microbatches * plan.data / plan.active * groups
        counts = pipeline.whole(kinds.counted)
        took: dict[int, float] = {}
        for kind, times in self._order(kinds, turns, spread):
            each = times / turns[kind] if turns[kind] else 1
            often = Often(stage, weight * times, every * counts[kind] * each)
            took[kind] = self._parts.share(shares[kind], often, devices, on)
        self._parts.aligned = False
        self._system.around.sharing = Sharing()
        return 0 if stage == "prefill" else pipeline.slack(kinds.counted, plan.microbatches, took)

    def _turns(
        self, kinds: Kinds, shares: Sequence[Part], spread: Spread, stage: str, on: Sequence[str]
    ) -> Counter[int]:
        """How often the time of each kind counts."""
        counted, microbatches = kinds.counted, spread.plan.microbatches
        took: dict[int, float] = dict.fromkeys(range(len(shares)), 1)
        if pipeline.times_needed(counted, microbatches):
            took = {kind: self._parts.took_ps(part.leader, stage, on) for kind, part in enumerate(shares)}
        return pipeline.turns(counted, microbatches, took, prefill=stage == "prefill")

    def _order(self, kinds: Kinds, turns: Counter[int], spread: Spread) -> Iterator[tuple[int, int]]:
        """(kind, how often its time counts) of each block to simulate, in order."""
        if not self._each:
            yield from ((kind, turns[kind]) for kind in range(len(kinds.graphs)))
            return
        left = Counter(turns)
        passes = chain.from_iterable([list(chain.from_iterable(kinds.stages))] * (spread.plan.microbatches + 1))
        for kind in passes:
            if left[kind]:
                left[kind] -= 1
                yield kind, 1
        yield from ((kind, 0) for kind in range(len(kinds.graphs)) if not turns[kind])

    def _check_shared(self, graph: nx.DiGraph[str], spread: Spread, on: Sequence[str]) -> None:
        """Every unit that works for stages that share a device can do so."""
        system = self._system
        for _, op in ops_of(graph) if spread.plan.groups > 1 else ():
            name = system.placement.named_for(op, on) or system.placement.component_for(op)
            if not system.units[name].in_step:
                raise MappingError(
                    f"parallelism.stage: {name}, which runs {op.kind}, cannot work for several stages of a device "
                    "(allowed: device)"
                )
