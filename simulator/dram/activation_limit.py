"""Limits on simultaneous activation: named policies that give a standard other activation windows."""

from __future__ import annotations

from math import ceil
from typing import Annotated, Literal

from pydantic import Field

from simulator.config.base_schema import Spec
from simulator.config.dram_schema import Constraint, Dram
from simulator.config.timing import resolve_dram
from simulator.errors import ConfigError

PositiveInt = Annotated[int, Field(ge=1)]


class StandardWindows(Spec):
    """The windows of the standard's own table, such as nFAW; an all-bank command weighs as many rows as it opens."""

    policy: Literal["standard"]


class NoWindows(Spec):
    """No limit: as if the supply could open any number of rows at once. An upper bound, not a part one can build."""

    policy: Literal["unlimited"]


class ChargePump(Spec):
    """The charge pumps of a node of ``level`` (default: the channel) give ``activations`` rows in any ``window_ns``.

    Takes the place of the standard's windows: any ``activations`` + 1 rows opened on a node span ``window_ns``.
    """

    policy: Literal["charge_pump"]
    activations: PositiveInt
    window_ns: Annotated[float, Field(gt=0)]
    level: str = "channel"
    source: str


ActivationLimit = Annotated[StandardWindows | NoWindows | ChargePump, Field(discriminator="policy")]


def limited(dram: Dram, limit: StandardWindows | NoWindows | ChargePump, where: str) -> Dram:
    """``dram`` under the policy. Raises ConfigError, naming the key ``where``, for a limit that it cannot live with."""
    if isinstance(limit, StandardWindows):
        return dram
    plain = tuple(row for row in dram.constraints if row.window == 1)
    if isinstance(limit, NoWindows):
        return dram.model_copy(update={"constraints": plain})
    return dram.model_copy(update={"constraints": (*plain, _window(dram, limit, where))})


def _window(dram: Dram, limit: ChargePump, where: str) -> Constraint:
    levels = ["channel", *dram.organization.levels]
    if limit.level not in levels:
        raise ConfigError(
            f"'{limit.level}' is no level of {dram.name} (allowed: {', '.join(levels)})", key=f"{where}.level"
        )
    opening = {n: c for n, c in resolve_dram(dram).commands.items() if dram.commands[n].opens}
    for name, command in opening.items():
        if command.activations > limit.activations:
            raise ConfigError(
                f"'{name}' of {dram.name} opens {command.activations} rows at once, {limit.activations} are allowed",
                key=f"{where}.activations",
            )
        if levels.index(limit.level) > levels.index(dram.commands[name].scope):
            raise ConfigError(
                f"'{limit.level}' is finer than the scope of '{name}', '{dram.commands[name].scope}'",
                key=f"{where}.level",
            )
    gap = ceil(round(limit.window_ns * 1000 / dram.tCK_ps, 6))
    return Constraint.model_validate(
        {"level": limit.level, "from": tuple(opening), "to": tuple(opening), "gap": gap, "window": limit.activations}
    )


def assumption(limit: StandardWindows | NoWindows | ChargePump) -> str | None:
    """What a result says of the policy; None for the standard's own."""
    if isinstance(limit, NoWindows):
        return "no limit on rows opened at once (activation_limit: unlimited); an upper bound"
    if isinstance(limit, ChargePump):
        return f"charge pumps open {limit.activations} rows a {limit.level} in any {limit.window_ns:g} ns"
    return None
