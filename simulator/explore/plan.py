"""The plan of a sweep: its YAML read and checked, before anything is simulated."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simulator.config import paths
from simulator.config.conditions import Condition
from simulator.config.loader import Document, build, load_document
from simulator.config.sweep_schema import ADAPTIVE, Sweep
from simulator.config.tree import Node, Origin, planted
from simulator.errors import ConfigError
from simulator.explore.columns import Objective, check_column, objective
from simulator.explore.points import Catalog, Point
from simulator.explore.resolver import Resolver
from simulator.explore.samplers import sample
from simulator.explore.skipping import check_names
from simulator.explore.space import Space, read_space
from simulator.explore.terms import Rules, Terms

KIND = "sweep"
DEFAULT_OBJECTIVES = ("tokens_per_s", "tokens_per_j")
"""What a sweep that names no objectives is summed up by."""


@dataclass(frozen=True)
class Plan:
    """A sweep that can be run. ``text``: its YAML as read."""

    name: str
    text: str
    spec: Sweep
    space: Space
    resolver: Resolver
    objectives: tuple[Objective, ...]
    constraints: tuple[Condition, ...]

    @property
    def terms(self) -> Terms:
        """What holds for all points."""
        limits = self.spec.limits
        return Terms(
            name=self.name,
            rules=Rules(limits.time_s, limits.memory_mib, self.spec.retries),
            axes=tuple(self.spec.axes),
            varied=tuple(name for name in self.space.varied if name in self.spec.axes),
            labels=self.space.columns,
            objectives=self.objectives,
            constraints=self.spec.constraints,
        )

    @property
    def catalog(self) -> Catalog:
        """Platforms and workloads of the points resolved so far."""
        return self.resolver.catalog

    @property
    def is_adaptive(self) -> bool:
        """Whether its points depend on results."""
        return self.spec.sampler in ADAPTIVE

    def points(self) -> Iterator[Point]:
        """The points of a sampler that does not look at results, resolved one after the other."""
        spec = self.spec
        for proposal in sample(self.space, spec.sampler, spec.samples, spec.seed):
            yield self.resolver.point(proposal)


def read_plan(ref: str | Path, prepare: Callable[[], None]) -> Plan:
    """The sweep in the file ``ref``. ``prepare`` makes the kinds of component known.

    Raises ConfigError (WorkloadError for a model that cannot be used) with the place of each fault that a single value
    has; what only a combination gets wrong is that point's own failure.
    """
    path = paths.find(str(ref))
    document = load_document(path)
    return _plan(document, path.read_text(encoding="utf-8"), prepare)


def plan_of(spec: Mapping[str, Any], prepare: Callable[[], None]) -> Plan:
    """The sweep in ``spec``, which has the form of its YAML; relative paths in it start here. Raises as `read_plan`."""
    text = json.dumps(spec, indent=2) + "\n"
    return _plan(Document(KIND, planted(json.loads(text), Origin("sweep")), {}), text, prepare)


def _plan(document: Document, text: str, prepare: Callable[[], None]) -> Plan:
    _check_kind(document)
    spec = build(document, Sweep)
    space = read_space(document, spec)
    arch, workload = _child(document.root, "arch"), _child(document.root, "workload")
    resolver = Resolver(arch, workload, Catalog(skip_if=spec.skip_if, exact=spec.exact), prepare)
    for proposal in space.one_by_one():
        resolver.check(proposal)
    plan = Plan(
        name=spec.name or document.name,
        text=text,
        spec=spec,
        space=space,
        resolver=resolver,
        objectives=_objectives(document, spec),
        constraints=_constraints(document, spec),
    )
    _check_skip_if(document, plan)
    return plan


def _check_kind(document: Document) -> None:
    kind = document.root.child("kind")
    if kind is not None and kind.value != KIND:
        raise kind.origin.error(f"'{document.name}' is a {kind.value}, not a {KIND}", "kind")


def _objectives(document: Document, spec: Sweep) -> tuple[Objective, ...]:
    given: Sequence[str | dict[str, str]] = spec.objectives or DEFAULT_OBJECTIVES  # type: ignore[assignment]  # literals
    found = []
    for position, wanted in enumerate(given):
        try:
            found.append(objective(wanted))  # type: ignore[arg-type]  # checked by the schema
        except ValueError as error:
            raise document.locate(("objectives", position)).error(str(error), f"objectives[{position}]") from None
    return tuple(found)


def _constraints(document: Document, spec: Sweep) -> tuple[Condition, ...]:
    conditions = tuple(Condition(text) for text in spec.constraints)
    for position, condition in enumerate(conditions):
        for name in condition.names:
            try:
                if name not in spec.axes:
                    check_column(name)
            except ValueError as error:
                raise document.locate(("constraints", position)).error(str(error), f"constraints[{position}]") from None
    return conditions


def _check_skip_if(document: Document, plan: Plan) -> None:
    if plan.spec.skip_if is None:
        return
    origin = document.locate(("skip_if",))
    proposal = next(plan.space.one_by_one())
    values, workload = plan.resolver.resolved(proposal)

    def complain(message: str) -> ConfigError:
        return origin.error(message, "skip_if")

    check_names(plan.spec.skip_if, dict.fromkeys(plan.space.columns), values, workload, complain)


def _child(node: Node, step: str) -> Node:
    child = node.child(step)
    assert child is not None, step
    return child
