"""What must hold for the energy of a DRAM standard: enough is said, once, and no command gives energy back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from simulator.config.dram_schema import Dram
from simulator.config.energy import interface_pj_per_bit, rank_shape
from simulator.config.faults import Fault
from simulator.config.idd_schema import Idd

BACKGROUND = ("background_active_mw", "background_precharged_mw")
LOW_POWER = ("power_down_active_mw", "power_down_precharged_mw", "self_refresh_mw")
ROW_TIMINGS = ("nRC", "nRAS", "nBL")


def energy_faults(spec: Dram, timings: Mapping[str, int]) -> Iterator[Fault]:
    """Every fault of the energy block; ``timings`` in clocks."""
    energy, path = spec.energy, ("energy",)
    stated = [key for key in (*BACKGROUND, *LOW_POWER) if getattr(energy, key) is not None]
    if energy.idd is None:
        missing = [key for key in BACKGROUND if key not in stated]
        if missing:
            yield Fault(path, f"the key '{missing[0]}' is missing (or give the currents: 'idd')")
        elif (energy.background_active_mw or 0) < (energy.background_precharged_mw or 0):
            yield Fault((*path, "background_active_mw"), "lies below background_precharged_mw")
        return
    for key in stated:
        yield Fault((*path, key), f"'{key}' follows from idd; only commands may be stated beside it")
    yield from _idd_faults(spec, energy.idd, timings)


def idle_faults(spec: Dram, timings: Mapping[str, int]) -> Iterator[Fault]:
    """A state of low power that the controller enters has a power and an exit latency, and comes after the lighter."""
    policy, energy, path = spec.controller.idle, spec.energy, ("controller", "idle")
    for key, power, latency in (
        ("power_down_after_ps", "power_down_precharged_mw", "nXP"),
        ("self_refresh_after_ps", "self_refresh_mw", "nXS"),
    ):
        if getattr(policy, key) is None:
            continue
        if energy.idd is None and getattr(energy, power) is None:
            yield Fault((*path, key), f"needs the key 'energy.{power}' (or 'energy.idd')")
        if latency not in timings:
            yield Fault((*path, key), f"needs the timing '{latency}'")
    light, deep = policy.power_down_after_ps, policy.self_refresh_after_ps
    if light is not None and deep is not None and deep < light:
        yield Fault((*path, "self_refresh_after_ps"), "self-refresh lies before power-down")


def _idd_faults(spec: Dram, idd: Idd, timings: Mapping[str, int]) -> Iterator[Fault]:
    path = ("energy", "idd")
    try:
        interface_pj_per_bit(idd.interface, spec.organization.data_rate_mbps)
    except ValueError as error:
        yield Fault((*path, "interface"), str(error))
    missing = [name for name in ROW_TIMINGS if name not in timings]
    if missing:
        yield Fault(path, f"currents need the timing '{missing[0]}'")
        return
    for name, pj in _increments(spec, idd, timings):
        if pj < 0:
            yield Fault((*path, "rails"), f"{name} would take {pj:.4g} mA ns V: its current lies below standing by")


def _increments(spec: Dram, idd: Idd, timings: Mapping[str, int]) -> Iterator[tuple[str, float]]:
    """What each measuring loop draws beyond its background, for one device and clock; negative is impossible."""

    def power(loop: str) -> float:
        return sum(rail.supply_v * (getattr(rail, f"{loop}_ma") or 0.0) for rail in idd.rails.values())

    _, banks = rank_shape(spec)
    standby, opened = power("IDD2N"), power("IDD3N") - power("IDD2N")
    one_bank = opened * (1 - idd.open_bank_share + idd.open_bank_share / banks)
    yield "standing by with a bank open", opened
    activation = (power("IDD0") - standby) * timings["nRC"] - one_bank * timings["nRAS"]
    if any(row.opens and name not in spec.energy.commands for name, row in spec.commands.items()):
        yield "an activation (IDD0)", activation
    yield "a read (IDD4R)", power("IDD4R") - power("IDD3N")
    yield "a write (IDD4W)", power("IDD4W") - power("IDD3N")
    yield "a refresh (IDD5B)", power("IDD5B") - power(idd.refresh_base)
