"""What hardware costs: dies from wafers, parts, machines."""

from __future__ import annotations

import math
from collections.abc import Mapping

from simulator.config.cost_schema import Die, Machine, Part
from simulator.config.nearest import hint
from simulator.errors import ConfigError


def dies_per_wafer(mm2: float, wafer_mm: float) -> float:
    """Whole dies on a round wafer: its area in dies, less those cut by its edge (de Vries, IEEE TSM 2005)."""
    return math.pi * (wafer_mm / 2) ** 2 / mm2 - math.pi * wafer_mm / math.sqrt(2 * mm2)


def die_yield(mm2: float, defects_per_cm2: float, clustering: float) -> float:
    """The share of good dies: negative binomial, defects in clusters (Stapper, IBM J. Res. Dev. 1983)."""
    return float((1 + mm2 / 100 * defects_per_cm2 / clustering) ** -clustering)


def die_usd(die: Die, area_mm2: Mapping[str, float]) -> float:
    """Dollars of a good die. ``area_mm2``: component -> silicon in the run. Raises ConfigError where it has none."""
    mm2 = die.mm2
    if mm2 is None:
        assert die.component is not None
        if not area_mm2.get(die.component):
            known = [name for name, found in area_mm2.items() if found]
            raise ConfigError(
                f"the run says nothing of the silicon of '{die.component}' (known: {', '.join(known) or 'none'})"
                f"{hint(die.component, known)}"
            )
        mm2 = area_mm2[die.component]
    on_wafer = dies_per_wafer(mm2, die.wafer_mm)
    if on_wafer < 1:
        raise ConfigError(f"a die of {mm2:g} mm2 does not fit on a wafer of {die.wafer_mm:g} mm")
    return die.wafer_usd / (on_wafer * die_yield(mm2, die.defects_per_cm2, die.clustering))


def part_usd(part: Part, area_mm2: Mapping[str, float]) -> float:
    """Dollars of all equal parts of a machine."""
    die = die_usd(part.die, area_mm2) if part.die else 0.0
    return part.count * (part.usd_each + die + part.package_usd + part.nre_usd / part.volume)


def machine_usd(machine: Machine, area_mm2: Mapping[str, float]) -> dict[str, float]:
    """Part -> dollars."""
    return {name: part_usd(part, area_mm2) for name, part in machine.parts.items()}
