"""What a cost YAML may say: what machines are made of and cost, what power costs, and how long all of it serves."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Field

from simulator.config.base_schema import Spec
from simulator.config.faults import Fault, semantic_check

Usd = Annotated[float, Field(ge=0, le=1e12)]
Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0, le=1e12)]
Months = Annotated[int, Field(ge=0, le=1200)]


class Die(Spec):
    """A die from a wafer: its area, or the ``component`` of the run whose silicon it is.

    ``defects_per_cm2`` and ``clustering`` give the yield, ``(1 + area x defects / clustering) ** -clustering``.
    """

    mm2: Positive | None = None
    component: str | None = None
    wafer_usd: Positive
    wafer_mm: Positive = 300
    defects_per_cm2: Annotated[float, Field(ge=0, le=100)]
    clustering: Positive = 3
    source: str


class Part(Spec):
    """``count`` equal parts of a machine: bought for ``usd_each``, or made from a ``die``, or both.

    ``package_usd``: packaging and test of each. ``nre_usd``: design and masks, once, borne by ``volume`` parts.
    """

    count: Positive = 1
    usd_each: Usd = 0
    die: Die | None = None
    package_usd: Usd = 0
    nre_usd: Usd = 0
    volume: Positive = 1
    source: str


class Measured(Spec):
    """Figures of a machine that is not simulated. ``tokens_per_s``: all sequences together."""

    tokens_per_s: Positive
    power_w: Positive
    source: str


class Machine(Spec):
    """What is bought together, runs of one platform or a ``measured`` one.

    ``arch``: the platform of its runs (default: the machine's name). ``more_w``: power of what the run leaves out,
    such as a server's fans. ``idle_share``: its power while no token is generated, as a share of that in use.
    ``devices``: how many of the platform the parts are for; a run on more takes as many machines as hold them. None:
    the parts are for the devices of any run.
    """

    arch: str | None = None
    devices: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    measured: Measured | None = None
    parts: Annotated[dict[str, Part], Field(min_length=1)]
    more_w: Annotated[float, Field(ge=0, le=1e9)] = 0
    idle_share: Share = 1.0
    source: str | None = None


class Load(Spec):
    """``tokens_per_day`` from a month on."""

    from_month: Months = 0
    tokens_per_day: Positive


class Stage(Spec):
    """From a month on, machines of one kind carry the load; those of the stage before are sold for ``resale_share``."""

    machine: str
    from_month: Months = 0
    resale_share: Share = 0


class Plans(Spec):
    """Ways to carry a load for ``months``: plan -> its stages, the first from month 0 on."""

    months: Annotated[int, Field(ge=1, le=1200)]
    load: Annotated[tuple[Load, ...], Field(min_length=1)]
    stages: Annotated[dict[str, Annotated[tuple[Stage, ...], Field(min_length=1)]], Field(min_length=1)]


class Costs(Spec):
    """Prices and terms.

    ``years``: how long hardware serves. ``utilization``: the share of time in which it generates tokens. ``pue``: power
    that the site draws for each watt of the machine.
    """

    kind: Literal["cost"]
    name: str | None = None
    description: str = ""
    source: str
    years: Positive
    utilization: Annotated[float, Field(gt=0, le=1)] = 1.0
    electricity_usd_per_kwh: Usd
    pue: Annotated[float, Field(ge=1, le=10)] = 1.0
    machines: Annotated[dict[str, Machine], Field(min_length=1)]
    plans: Plans | None = None


@semantic_check(Die)
def _die(die: Die) -> Iterator[Fault]:
    if (die.mm2 is None) == (die.component is None):
        yield Fault((), "a die has either 'mm2' or the 'component' whose silicon it is")


@semantic_check(Costs)
def _costs(costs: Costs) -> Iterator[Fault]:
    plans = costs.plans
    if plans is None:
        return
    if plans.load[0].from_month:
        yield Fault(("plans", "load", 0, "from_month"), "the first load is that of month 0")
    yield from _ascending(("plans", "load"), [load.from_month for load in plans.load])
    for name, stages in plans.stages.items():
        where = ("plans", "stages", name)
        if stages[0].from_month:
            yield Fault((*where, 0, "from_month"), "the first stage begins in month 0")
        yield from _ascending(where, [stage.from_month for stage in stages])
        for position, stage in enumerate(stages):
            if stage.machine not in costs.machines:
                known = ", ".join(costs.machines)
                yield Fault((*where, position, "machine"), f"there is no machine '{stage.machine}' (known: {known})")


def _ascending(where: tuple[str | int, ...], months: list[int]) -> Iterator[Fault]:
    for position, (before, month) in enumerate(pairwise(months), start=1):
        if month <= before:
            yield Fault((*where, position, "from_month"), f"month {month} does not come after month {before}")
