"""The design space: axes, and what a choice on each of them sets."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain

from simulator.config.conditions import Condition
from simulator.config.loader import Document
from simulator.config.sweep_schema import Range, Sweep
from simulator.config.tree import Node, Scalar

MOST_STEPS = 1_000_000
"""Most values that a range with a step may have."""


@dataclass(frozen=True)
class Setting:
    """A key and its value; ``path`` as written in the sweep, ``value`` with its place in the file."""

    path: str
    value: Node


@dataclass(frozen=True)
class Choice:
    """One value of an axis: the ``labels`` of the columns that show it, and the keys it sets."""

    labels: Mapping[str, Scalar]
    settings: tuple[Setting, ...]


@dataclass(frozen=True)
class Axis:
    """One dimension: a list of choices, or a range that is drawn from.

    ``when``: the axis takes part only where the condition holds of the labels of the axes above it.
    """

    name: str
    choices: tuple[Choice, ...] = ()
    range: Range | None = None
    where: Node | None = None
    when: Condition | None = None

    def at(self, fraction: float) -> Choice:
        """The choice at ``fraction`` (0 to below 1) of the axis."""
        if self.range is None:
            return self.choices[min(int(fraction * len(self.choices)), len(self.choices) - 1)]
        return self.of(_drawn(self.range, fraction))

    def of(self, value: Scalar) -> Choice:
        """The choice of ``value``, for a range."""
        assert self.where is not None
        return Choice({self.name: value}, (Setting(self.name, Node(value, self.where.origin)),))

    @property
    def is_ordered(self) -> bool:
        """Whether neighbours are alike: a range, or numbers that only rise or only fall."""
        values = [next(iter(choice.labels.values())) for choice in self.choices]
        if not all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
            return False
        return values in (sorted(values), sorted(values, reverse=True))  # type: ignore[type-var]  # they are numbers


def _drawn(span: Range, fraction: float) -> int | float:
    low, high = span.low, span.high
    whole = isinstance(low, int) and isinstance(high, int)
    if span.log:
        value = math.exp(math.log(low) + fraction * (math.log(high + whole) - math.log(low)))
    else:
        value = low + fraction * (high + whole - low)
    return min(math.floor(value), int(high)) if whole else min(float(value), float(high))


@dataclass(frozen=True)
class Proposal:
    """A design point before it is resolved: its labels and settings, in the order of the axes."""

    labels: Mapping[str, Scalar] = field(default_factory=dict)
    settings: tuple[Setting, ...] = ()

    def plus(self, choice: Choice) -> Proposal:
        """This with one choice more."""
        return Proposal({**self.labels, **choice.labels}, (*self.settings, *choice.settings))


class Space:
    """All axes of a sweep, in the order of the file."""

    def __init__(self, axes: Sequence[Axis]) -> None:
        self.axes = tuple(axes)

    @property
    def columns(self) -> tuple[str, ...]:
        """The labels that a point can have."""
        return tuple(dict.fromkeys(chain.from_iterable(_columns(axis) for axis in self.axes)))

    @property
    def varied(self) -> tuple[str, ...]:
        """The labels of axes with more than one value."""
        several = [axis for axis in self.axes if axis.range or len(axis.choices) > 1]
        return tuple(dict.fromkeys(chain.from_iterable(_columns(axis) for axis in several)))

    def propose(self, choose: Callable[[Axis], Choice]) -> Proposal:
        """The point that ``choose`` picks; it is asked for axes that take part. Raises ValueError by a ``when``."""
        proposal = Proposal()
        for axis in self.axes:
            if axis.when is None or axis.when.holds(_known(self.columns, proposal)):
                proposal = proposal.plus(choose(axis))
        return proposal

    def grid(self) -> Iterator[Proposal]:
        """Every point; the last axis changes fastest."""
        return self._grid(0, Proposal())

    def _grid(self, depth: int, proposal: Proposal) -> Iterator[Proposal]:
        if depth == len(self.axes):
            yield proposal
            return
        axis = self.axes[depth]
        if axis.when is not None and not axis.when.holds(_known(self.columns, proposal)):
            yield from self._grid(depth + 1, proposal)
            return
        for choice in axis.choices:
            yield from self._grid(depth + 1, proposal.plus(choice))

    def one_by_one(self) -> Iterator[Proposal]:
        """Points in which every choice of every axis occurs, the others at their first."""
        first = [axis.at(0.0) for axis in self.axes]
        for place, axis in enumerate(self.axes):
            ends = (axis.at(0.0), axis.at(1.0)) if axis.range else axis.choices
            for choice in ends:
                proposal = Proposal()
                for picked in [*first[:place], choice, *first[place + 1 :]]:
                    proposal = proposal.plus(picked)
                yield proposal


def _columns(axis: Axis) -> list[str]:
    return [axis.name] if axis.range else [label for choice in axis.choices for label in choice.labels]


def _known(columns: Sequence[str], proposal: Proposal) -> Mapping[str, Scalar]:
    """The labels so far; an axis that takes no part has the label null."""
    return dict.fromkeys(columns) | dict(proposal.labels)


def read_space(document: Document, sweep: Sweep) -> Space:
    """The space that ``document`` (valid as ``sweep``) describes. Raises ConfigError for what only shows in values."""
    axes = {name: _axis(document, sweep, name) for name in sweep.axes}
    groups = {names[0]: names for names in sweep.zip}
    later = {name for names in sweep.zip for name in names[1:]}
    merged = [_zipped([axes[n] for n in groups[name]]) if name in groups else axes[name] for name in axes]
    return Space([axis for axis in merged if axis.name not in later])


def _axis(document: Document, sweep: Sweep, name: str) -> Axis:
    node = _child(_child(document.root, "axes"), name)
    spec = sweep.axes[name]
    if isinstance(spec, tuple):
        return Axis(name, _values(name, node), where=node)
    when = None if spec.when is None else Condition(spec.when)
    if isinstance(spec, Range) and spec.step is None:
        if sweep.sampler == "grid":
            raise node.origin.error("a range needs a 'step' in a grid", f"axes.{name}")
        return Axis(name, range=spec, where=node, when=when)
    if isinstance(spec, Range):
        choices = tuple(Axis(name, where=node).of(value) for value in _steps(spec, node, name))
    elif "set" in node.children:
        choices = _together(name, _child(node, "set"))
    else:
        choices = _values(name, _child(node, "values"))
    return Axis(name, choices, where=node, when=when)


def _values(name: str, node: Node) -> tuple[Choice, ...]:
    return tuple(Choice({name: _label(item)}, (Setting(name, item),)) for item in node.items)


def _label(node: Node) -> Scalar:
    plain = node.plain()
    return plain if isinstance(plain, str | int | float | bool | None) else str(plain)


def _together(name: str, node: Node) -> tuple[Choice, ...]:
    return tuple(
        Choice(
            {name: label} | {path: _label(value) for path, value in settings.children.items()},
            tuple(Setting(path, value) for path, value in settings.children.items()),
        )
        for label, settings in node.children.items()
    )


def _steps(span: Range, node: Node, name: str) -> Iterator[int | float]:
    assert span.step is not None
    count = int((span.high - span.low) / span.step + 1e-9) + 1
    if count > MOST_STEPS:
        raise node.origin.error(f"a range of {count} steps is too long (allowed: {MOST_STEPS})", f"axes.{name}")
    return (span.low + position * span.step for position in range(count))


def _zipped(axes: Sequence[Axis]) -> Axis:
    """Axes that advance together, as one; it stands where the first of them does."""
    first = axes[0]
    for axis in axes:
        assert axis.where is not None
        if axis.range is not None or axis.when is not None:
            raise axis.where.origin.error("a zipped axis is a plain list of values", f"axes.{axis.name}")
        if len(axis.choices) != len(first.choices):
            raise axis.where.origin.error(
                f"{len(axis.choices)} values cannot be zipped with the {len(first.choices)} of '{first.name}'",
                f"axes.{axis.name}",
            )
    rows = zip(*(axis.choices for axis in axes), strict=True)
    choices = tuple(
        Choice({k: v for choice in row for k, v in choice.labels.items()}, tuple(chain(*(c.settings for c in row))))
        for row in rows
    )
    return Axis(first.name, choices, where=first.where)


def _child(node: Node, step: str) -> Node:
    child = node.child(step)
    assert child is not None, step
    return child
