"""What a sweep's YAML may say: a design space, how it is sampled, and what to look for in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from simulator.config.base_schema import Spec
from simulator.config.conditions import Condition
from simulator.config.faults import Fault, semantic_check
from simulator.config.nearest import hint

SAMPLERS = ("grid", "random", "lhs", "nsga2", "tpe")
ADAPTIVE = ("nsga2", "tpe")
"""Samplers whose next points depend on the results so far."""

Sampler = Literal["grid", "random", "lhs", "nsga2", "tpe"]
Number = int | float
Direction = Literal["max", "min"]


class Values(Spec):
    """An axis by its values. ``when``: a condition on axes above it; where it does not hold the axis is left alone."""

    values: Annotated[tuple[Any, ...], Field(min_length=1)]
    when: str | None = None


class Range(Spec):
    """An axis from ``low`` to ``high``, both included.

    ``step`` makes it a list of values; without it samplers draw from the range, whole numbers if both ends are whole.
    ``log``: drawn evenly in the logarithm.
    """

    low: Number
    high: Number
    step: Annotated[int, Field(gt=0)] | Annotated[float, Field(gt=0)] | None = None
    log: bool = False
    when: str | None = None


class Together(Spec):
    """An axis each value of which sets several keys: its name -> dotted path -> value."""

    set: Annotated[dict[str, Annotated[dict[str, Any], Field(min_length=1)]], Field(min_length=1)]
    when: str | None = None


def _form(axis: Any) -> str:
    if isinstance(axis, tuple | list):
        return "list"
    if isinstance(axis, Mapping):
        return "set" if "set" in axis else "range" if axis.keys() & {"low", "high", "step", "log"} else "values"
    return "set" if isinstance(axis, Together) else "range" if isinstance(axis, Range) else "values"


Axis = Annotated[
    Annotated[tuple[Any, ...], Field(min_length=1), Tag("list")]
    | Annotated[Values, Tag("values")]
    | Annotated[Range, Tag("range")]
    | Annotated[Together, Tag("set")],
    Discriminator(_form),
]


class Limits(Spec):
    """What one point may take before it is stopped and recorded as failed."""

    time_s: Annotated[float, Field(gt=0)] = 3600
    memory_mib: Annotated[int, Field(ge=64)] = 4096


class Sweep(Spec):
    """A design space over one platform and one workload, and how to explore it.

    ``axes``: dotted path -> values; ``workload.*`` is the workload's, anything else the platform's, and ``arch`` and
    ``workload`` replace those themselves. ``zip``: axes of equal length that advance together. ``samples``: how many
    points a sampler other than grid draws. ``objectives``: columns of the result, with ``max`` or ``min`` where that
    is not clear from the name. ``constraints``: conditions on columns that a point has to meet to be of use.
    ``skip_if``: a condition on the design point, or on ``capacity.needed_bytes`` and ``capacity.available_bytes``, for
    points not worth simulating. ``retries``: how often a point is tried again whose worker process died.
    """

    kind: Literal["sweep"] = "sweep"
    name: str | None = None
    description: str = ""
    source: str | None = None
    arch: str
    workload: str
    axes: Annotated[dict[str, Axis], Field(min_length=1)]
    zip: tuple[Annotated[tuple[str, ...], Field(min_length=2)], ...] = ()
    sampler: Sampler = "grid"
    samples: Annotated[int, Field(ge=1)] | None = None
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    population: Annotated[int, Field(ge=2)] = 20
    objectives: tuple[str | dict[str, Direction], ...] = ()
    constraints: tuple[str, ...] = ()
    skip_if: str | None = None
    exact: bool = False
    limits: Limits = Limits()
    retries: Annotated[int, Field(ge=0, le=100)] = 2


@semantic_check(Range)
def _range(axis: Range) -> Iterator[Fault]:
    if axis.low >= axis.high:
        yield Fault(("high",), f"{axis.high} is not above low, {axis.low}")
    if axis.log and axis.low <= 0:
        yield Fault(("low",), f"{axis.low} has no logarithm (allowed: more than 0)")
    if axis.log and axis.step is not None:
        yield Fault(("step",), "a logarithmic range has no step")


@semantic_check(Sweep)
def _sweep(sweep: Sweep) -> Iterator[Fault]:
    yield from _conditions(sweep)
    yield from _zips(sweep)
    yield from _sampling(sweep)


def _conditions(sweep: Sweep) -> Iterator[Fault]:
    texts: list[tuple[tuple[str | int, ...], str | None]] = [(("skip_if",), sweep.skip_if)]
    texts += [(("constraints", position), text) for position, text in enumerate(sweep.constraints)]
    seen: list[str] = []
    for name, axis in sweep.axes.items():
        when = None if isinstance(axis, tuple) else axis.when
        if when is not None:
            yield from _condition(("axes", name, "when"), when, seen)
        seen.append(name)
    for path, text in texts:
        if text is not None:
            yield from _condition(path, text)


def _condition(path: tuple[str | int, ...], text: str, known: list[str] | None = None) -> Iterator[Fault]:
    try:
        names = Condition(text).names
    except ValueError as error:
        yield Fault(path, str(error))
        return
    for name in names if known is not None else ():
        if name not in (known or ()):
            above = ", ".join(known or ()) or "none"
            yield Fault(path, f"there is no axis '{name}' above this one (there are: {above}){hint(name, known or ())}")


def _zips(sweep: Sweep) -> Iterator[Fault]:
    zipped: set[str] = set()
    for position, names in enumerate(sweep.zip):
        for place, name in enumerate(names):
            if name not in sweep.axes:
                yield Fault(("zip", position, place), f"there is no axis '{name}'{hint(name, sweep.axes)}")
            elif name in zipped:
                yield Fault(("zip", position, place), f"'{name}' is zipped twice")
            zipped.add(name)


def _sampling(sweep: Sweep) -> Iterator[Fault]:
    if sweep.sampler == "grid" and sweep.samples is not None:
        yield Fault(("samples",), "a grid has all its points; samples are for random, lhs, nsga2 and tpe")
    if sweep.sampler != "grid" and sweep.samples is None:
        yield Fault(("samples",), f"the key 'samples' is missing: how many points '{sweep.sampler}' draws")
    if sweep.sampler in ADAPTIVE and not sweep.objectives:
        yield Fault(("objectives",), f"the key 'objectives' is missing: what '{sweep.sampler}' is to improve")
    for position, objective in enumerate(sweep.objectives):
        if isinstance(objective, dict) and len(objective) != 1:
            yield Fault(("objectives", position), "an objective is a column, or one column with max or min")
