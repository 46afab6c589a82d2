"""`Spread`: how a model lies on the devices of a platform."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import networkx as nx

from simulator.config.platform_schema import Parallelism, Platform
from simulator.errors import MappingError
from simulator.mapping.parallel import parallel_policies
from simulator.mapping.parallel.experts import ExpertPlan, experts_in, with_whole_experts
from simulator.mapping.parallel.plan import Plan, make_plan
from simulator.mapping.parallel.policies import Part, Place, Policy
from simulator.mapping.parallel.tokens import decode_share, prompt_share
from simulator.workload.model import Model
from simulator.workload.optimizations.attention_sparsity import AttentionSparsity
from simulator.workload.scenario import Workload


@dataclass(frozen=True)
class Spread:
    """A plan and a policy for ``model``; ``stages``: the blocks of each stage of the pipeline."""

    model: Model
    plan: Plan
    policy: Policy
    stages: tuple[tuple[int, ...], ...]
    head_replicated: bool

    def held(self, model: Model) -> Model:
        """What of ``model`` one of the devices that share a block holds."""
        held = self.policy.model(model, self.plan.tensor) if self.plan.tensor > 1 else model
        return with_whole_experts(model, held, self.experts) if self.experts else held

    def share(self, graphs: Sequence[nx.DiGraph[str]], place: Place) -> Part:
        """What each of the devices does that work on a block with that ``place`` in its stage.

        ``graphs``: one, or that of each piece of the prompts.
        """
        if self.experts:
            return self.experts.share(graphs[0])
        plan = self.plan
        parts = [self.policy.share(graph, plan.tensor, place) if plan.tensor > 1 else Part(graph) for graph in graphs]
        if plan.sequence == 1:
            return parts[0]
        if len(graphs) == 1:
            return decode_share(parts[0].leader, plan.sequence)
        return prompt_share([part.leader for part in parts])

    @property
    def block_groups(self) -> tuple[int, float]:
        """(devices whose parts of a block differ, how many such groups there are for each copy of the model)."""
        plan = self.plan
        if self.experts:
            return plan.expert, 1 / plan.expert_copies
        return (plan.sequence, plan.tensor) if plan.sequence > 1 else (plan.tensor, 1)

    @property
    def experts(self) -> ExpertPlan | None:
        """Where experts lie, if whole ones lie on devices."""
        part, plan = experts_in(self.model), self.plan
        return ExpertPlan(part, plan.tensor, plan.expert_copies) if part and plan.expert > 1 else None

    @property
    def sharers(self) -> int:
        """Devices of a copy that share a block."""
        return self.plan.sharers

    @property
    def head_devices(self) -> int:
        """Devices of a copy that project to the vocabulary."""
        return self.policy.head_devices(self.plan)

    def head(self, graph: nx.DiGraph[str]) -> Part:
        """What each of the devices does that project to the vocabulary."""
        dealt_out = self.head_devices > 1 and not self.head_replicated
        return self.policy.head(graph, self.head_devices) if dealt_out else Part(graph)

    def kinds_by_stage(self, kind_of: Mapping[int, int]) -> list[list[int]]:
        """By stage: the kind of each of its blocks, of those that have one."""
        return [[kind_of[block] for block in stage if block in kind_of] for stage in self.stages]


def spread_of(platform: Platform, model: Model, blocks: Sequence[int], batch: int) -> Spread:
    """How the ``blocks`` of ``model`` lie on the devices, for ``batch`` sequences; one without experts spreads none.

    Raises MappingError.
    """
    wanted = platform.parallelism
    plan = make_plan(platform, len(blocks), batch)
    if experts_in(model) is None:
        plan = replace(plan, expert=1)
    policy = parallel_policies.get(wanted.policy)
    return Spread(model, plan, policy, plan.split(tuple(blocks)), wanted.head == "replicated")


def spread_workload(platform: Platform, workload: Workload) -> Spread:
    """How the model of ``workload`` lies on the devices. Raises MappingError."""
    wanted, model = platform.parallelism, workload.model
    found = spread_of(platform, model, workload.kept_layers, workload.batch)
    _check(found, wanted)
    if wanted.sequence > 1:
        _check_sequence(found, workload)
    return found


def _check(spread: Spread, wanted: Parallelism) -> None:
    if wanted.expert > 1 and experts_in(spread.model) is None:
        raise MappingError(f"parallelism.expert: {spread.model.name} has no experts (allowed: 1)")
    for key in ("expert", "sequence"):
        if getattr(wanted, key) > 1 and not spread.policy.replicated:
            raise MappingError(f"parallelism.{key}: not with the policy {wanted.policy} (allowed: megatron)")
    if wanted.expert > 1 and wanted.sequence > 1:
        raise MappingError("parallelism.sequence: not with parallelism.expert (allowed: 1)")


def _check_sequence(spread: Spread, workload: Workload) -> None:
    """Raise MappingError for what cannot be dealt out along the tokens."""
    devices, model = spread.plan.sequence, workload.model
    kept = model.architecture.memory(model)
    if any(part.fixed for part in kept):
        raise MappingError(f"parallelism.sequence: the state of {model.name} has no tokens to deal out (allowed: 1)")
    least = min([workload.prompt_tokens // 2, *(part.tokens(workload.prompt_tokens) for part in kept)])
    if least < devices:
        raise MappingError(
            f"parallelism.sequence: prompts of {workload.prompt_tokens} tokens do not deal out to {devices} devices "
            f"(allowed: up to {max(1, least)})"
        )
    for method in workload.methods:
        if method.coupled or isinstance(method, AttentionSparsity):
            raise MappingError(f"optimizations.{method.key}: not where tokens are dealt out (allowed: sequence: 1)")
