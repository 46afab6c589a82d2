"""What the commands of a DRAM standard are for, and how many banks each reaches."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from simulator.config.dram_schema import Command, Dram

ACTIVATE, COLUMN, PRECHARGE, REFRESH, REGISTER = "activate", "column access", "precharge", "refresh", "register or mode"
ROLES = (ACTIVATE, COLUMN, PRECHARGE, REFRESH, REGISTER)


def role(name: str, dram: Dram) -> dict[str, Any]:
    """``kind``, one of `ROLES`; ``banks``: how many one such command reaches; ``closes`` their rows; moves ``data``."""
    command = dram.commands[name]
    return {
        "kind": _kind(command),
        "banks": _banks(command, dram.organization.levels),
        "closes": command.closes,
        "data": command.data != "none",
    }


def _kind(command: Command) -> str:
    if command.refreshes:
        return REFRESH
    if command.opens:
        return ACTIVATE
    if command.row == "open" and command.bus == "column":
        return COLUMN
    return PRECHARGE if command.closes else REGISTER


def _banks(command: Command, levels: Mapping[str, int]) -> int:
    names = ["channel", *levels]
    below = names[names.index(command.scope) + 1 :] if command.scope in names else []
    return math.prod(levels.get(name, 1) for name in (*command.across, *below))


def roles_of(points: Iterable[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """The roles of all commands of the memories among a design point's parts; of two alike the first holds."""
    found: dict[str, Mapping[str, Any]] = {}
    for part in points:
        for name, known in part.get("dram", {}).get("roles", {}).items():
            found.setdefault(name, known)
    return found


def row_hit_share(commands: Mapping[str, int], roles: Mapping[str, Mapping[str, Any]]) -> float | None:
    """Share of column accesses, each bank of a command counted, that found their row open; None without accesses.

    A row is opened for the first access to it, so that activations are the misses.
    """
    banks = dict.fromkeys(ROLES, 0)
    for name, count in commands.items():
        if name in roles:
            banks[roles[name]["kind"]] += count * roles[name]["banks"]
    if not banks[COLUMN]:
        return None
    return max(0.0, 1 - banks[ACTIVATE] / banks[COLUMN])


def refresh_share(commands: Mapping[str, int], time_ps: int, parts: Iterable[Mapping[str, Any]]) -> float | None:
    """Share of the time in which a rank of the memories among ``parts`` was refreshing, on average.

    None without refresh, and where memories differ in how they refresh, since commands are counted by name alone.
    """
    found = [refresh for part in parts if (refresh := part.get("dram", {}).get("refresh"))]
    if not time_ps or len({(refresh["command"], refresh["time_ps"]) for refresh in found}) != 1:
        return None
    ranks = sum(refresh["ranks"] for refresh in found)
    return float(commands.get(found[0]["command"], 0) * found[0]["time_ps"] / (ranks * time_ps))
