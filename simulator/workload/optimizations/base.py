"""What an optimisation of a workload is: a block of its YAML that changes graph, data and mapping.

A block is a spec class, derived from `Optimization` and filed with `optimization` under the key that the YAML names. It
changes the graph of each step op by op, by the class and the kind of the ops, so that it acts on any architecture. What
a step then costs is up to the hardware.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar, TypeAlias, TypeVar

import networkx as nx

from simulator.config.base_schema import Spec
from simulator.config.registry import optimization_blocks
from simulator.errors import WorkloadError
from simulator.workload.mixed_graph import group_of
from simulator.workload.model import Model
from simulator.workload.ops import Op
from simulator.workload.precision import Precision
from simulator.workload.step import Step

Graph: TypeAlias = "nx.DiGraph[str]"
FileColumns: TypeAlias = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class StepView:
    """The step whose graph a block changes: of which model, in which formats, for which tokens.

    ``prompts``: of a step in which groups of sequences do different things (`mixed_graph`), whether each group is a
    piece of a prompt; ``step`` then has the tokens of all. None: a step of one group.
    """

    model: Model
    precision: Precision
    step: Step
    prompts: tuple[bool, ...] | None = None

    @property
    def is_prefill(self) -> bool:
        """Whether it is the prompt, or has a piece of one."""
        return self.step.of_prompt if self.prompts is None else any(self.prompts)

    def of_prompt(self, op: Op) -> bool:
        """Whether ``op`` works for a prompt; of what all groups share, whether one of them is a prompt's."""
        group = None if self.prompts is None else group_of(op.name)
        return self.is_prefill if group is None or self.prompts is None else self.prompts[group]


class Optimization(Spec):
    """The base of all blocks. A block overrides what it changes.

    ``order``: blocks change a graph in the order of these numbers, whatever their order in the YAML.
    """

    order: ClassVar[int]
    key: ClassVar[str]
    """The name under which it is registered."""
    from_file: ClassVar[FileColumns] = {}
    """Keys that may name a file with their list (`config.data_files`), and the columns that they take from it."""
    model_keys: ClassVar[tuple[str, ...]] = ()
    """Keys that may name the file of a model."""

    source: str | None = None

    @property
    def by_layer(self) -> bool:
        """Whether blocks of the model differ under it, so that one cannot stand for all."""
        return False

    @property
    def coupled(self) -> bool:
        """Whether blocks wait for blocks further before than the last, so that none can be simulated by itself."""
        return False

    @property
    def whole_prompt(self) -> bool:
        """Whether what the tokens of a step share is computed otherwise when some of them belong to a prompt."""
        return False

    def check(self, model: Model) -> None:
        """Whether ``model`` can be changed this way. Raises WorkloadError, located by `fault`."""

    def fault(self, key: str, message: str) -> WorkloadError:
        """An error at ``key`` of this block."""
        return WorkloadError(message, key=f"optimizations.{self.key}.{key}" if key else f"optimizations.{self.key}")

    def needs(self, graph: Graph, view: StepView, what: str, acts_on: Callable[[Op], bool]) -> None:
        """Raise WorkloadError, located by `fault`, when no op of ``graph`` is one that the block acts on."""
        if not any(acts_on(attributes["op"]) for attributes in graph.nodes.values()):
            raise self.fault("", f"{view.model.name} has no {what}, so it would change nothing")

    def rewrite(self, graph: Graph, view: StepView) -> Graph:
        """The graph of a step as the method changes it; ``graph`` is the caller's own and may be changed in place."""
        del view
        return graph

    def cache_bits(self, bits: float, head_dim: int) -> float:
        """Bits of a cached element, scales included, if it took ``bits`` without the method."""
        del head_dim
        return bits

    def cached_tokens(self, tokens: int) -> int:
        """Tokens of a sequence that the cache must have room for, if it were ``tokens`` without the method."""
        return tokens

    def kept_layers(self, layers: tuple[int, ...]) -> tuple[int, ...]:
        """The blocks of the model that are stored, run and cached, if it were ``layers`` without the method."""
        return layers

    def quality(self) -> Mapping[str, object] | None:
        """What of the block decides how good the answers are; None for a method that leaves them as they are."""
        return self.model_dump(exclude={"source"})

    def assumptions(self) -> tuple[str, ...]:
        """What the method takes for granted, for the result."""
        return ()


Block = TypeVar("Block", bound=Optimization)


def optimization(key: str) -> Callable[[type[Block]], type[Block]]:
    """Class decorator: the key ``key`` of ``optimizations`` is validated and modelled by the class."""

    def file_it(block: type[Block]) -> type[Block]:
        optimization_blocks.register(key)(block)
        block.key = key
        return block

    return file_it


def in_order(blocks: Mapping[str, Spec]) -> tuple[Optimization, ...]:
    """The blocks in the order in which they change a graph."""
    methods = [block for block in blocks.values() if isinstance(block, Optimization)]
    return tuple(sorted(methods, key=lambda method: (method.order, method.key)))
