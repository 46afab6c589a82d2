"""A DRAM standard's energy resolved: pJ of each command, and mW of each state.

The formulas are docs/dram-engine.md section 9: an activation is what IDD0 draws over a row cycle beyond standing by, a
burst what IDD4R or IDD4W draw beyond IDD3N, a refresh what IDD5B draws beyond standing by.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from math import prod

from simulator.config.dram_schema import Dram
from simulator.config.idd_schema import CommandEnergy, Idd, Interface
from simulator.config.timing import BANK, ResolvedCommand, clocks, resolve_dram


@dataclass(frozen=True)
class ResolvedEnergy:
    """Energy of one channel: pJ of each command, and power in mW.

    A rank is a node that opens, closes and refreshes on its own. ``precharged_mw``: the channel with all banks closed.
    ``rank_open_mw``: what a rank draws beyond that with any bank open, and ``bank_open_mw`` for each open bank besides.
    The powers of the channel in power-down and self-refresh are None where the standard gives none.
    """

    commands: Mapping[str, CommandEnergy]
    ranks: int
    banks_per_rank: int
    precharged_mw: float
    rank_open_mw: float
    bank_open_mw: float
    power_down_active_mw: float | None
    power_down_precharged_mw: float | None
    self_refresh_mw: float | None

    @property
    def active_mw(self) -> float:
        """The channel with all banks open."""
        return self.precharged_mw + self.ranks * (self.rank_open_mw + self.banks_per_rank * self.bank_open_mw)


def refresh_scope(spec: Dram) -> str:
    """The level whose nodes are refreshed at once; the channel where nothing is."""
    return next((c.scope for c in spec.commands.values() if c.refreshes and c.scope != BANK), "channel")


def rank_shape(spec: Dram) -> tuple[int, int]:
    """(ranks of a channel, banks of a rank), a rank being a node that opens, closes and refreshes on its own."""
    counts, scope = spec.organization.levels, refresh_scope(spec)
    depth = list(counts).index(scope) + 1 if scope in counts else 0
    return prod(list(counts.values())[:depth]), prod(list(counts.values())[depth:])


def resolve_energy(spec: Dram) -> ResolvedEnergy:
    """The standard's energy. Raises ValueError where neither currents nor powers say enough (`dram_checks` tells)."""
    ranks, banks = rank_shape(spec)
    energy = spec.energy
    if energy.idd is None:
        active, precharged = energy.background_active_mw, energy.background_precharged_mw
        if active is None or precharged is None:
            raise ValueError("energy needs either 'idd' or both background_active_mw and background_precharged_mw")
        return ResolvedEnergy(
            commands=energy.commands,
            ranks=ranks,
            banks_per_rank=banks,
            precharged_mw=precharged,
            rank_open_mw=(active - precharged) / ranks,
            bank_open_mw=0.0,
            power_down_active_mw=energy.power_down_active_mw,
            power_down_precharged_mw=energy.power_down_precharged_mw,
            self_refresh_mw=energy.self_refresh_mw,
        )
    return _IddEnergy(spec, energy.idd, ranks, banks).resolved()


class _IddEnergy:
    """Currents turned into energies: times in ns, currents in mA, so that V x mA x ns are pJ and V x mA are mW."""

    def __init__(self, spec: Dram, idd: Idd, ranks: int, banks: int) -> None:
        self.spec, self.idd, self.ranks, self.banks = spec, idd, ranks, banks
        self.dram = resolve_dram(spec)
        self.clock_ns = spec.tCK_ps * 1e-3
        self.tick_ns = self.clock_ns / spec.ticks_per_clock

    def power_mw(self, loop: str) -> float:
        """Power of a rank's devices in a measuring loop, over all rails."""
        return self.idd.devices_per_rank * sum(
            rail.supply_v * (getattr(rail, f"{loop}_ma") or 0.0) for rail in self.idd.rails.values()
        )

    @cached_property
    def open_mw(self) -> float:
        """What a rank draws with all its banks open, beyond all closed."""
        return self.power_mw("IDD3N") - self.power_mw("IDD2N")

    @property
    def rank_open_mw(self) -> float:
        """The part of it that any open bank causes."""
        return self.open_mw * (1.0 - self.idd.open_bank_share)

    @property
    def bank_open_mw(self) -> float:
        """The part of it that each open bank causes."""
        return self.open_mw * self.idd.open_bank_share / self.banks

    def activation_pj(self) -> float:
        """One activation with its precharge: IDD0 over tRC, less standing by with one bank open for tRAS of it."""
        timings = clocks(self.spec)
        row_cycle_ns, open_ns = timings["nRC"] * self.clock_ns, timings["nRAS"] * self.clock_ns
        standby_pj = self.power_mw("IDD2N") * row_cycle_ns + (self.rank_open_mw + self.bank_open_mw) * open_ns
        return self.power_mw("IDD0") * row_cycle_ns - standby_pj

    def burst(self, loop: str) -> CommandEnergy:
        """One burst over the data pins."""
        burst_ns = clocks(self.spec)["nBL"] * self.clock_ns
        on_die_pj = (self.power_mw(loop) - self.power_mw("IDD3N")) * burst_ns
        array_pj = on_die_pj * self.idd.array_share
        bits = self.spec.organization.burst_bytes * 8
        pins_pj = bits * interface_pj_per_bit(self.idd.interface, self.spec.organization.data_rate_mbps)
        return CommandEnergy(array_pj=array_pj, io_pj=on_die_pj - array_pj + pins_pj, source=self.idd.source)

    def refresh_pj(self, command: ResolvedCommand) -> float:
        """One refresh of the banks in the command's scope."""
        base_mw = self.power_mw(self.idd.refresh_base)
        covered = command.banks
        if covered == 1 and all(rail.IDD5PB_ma is not None for rail in self.idd.rails.values()):
            return (self.power_mw("IDD5PB") - base_mw) * command.latency * self.tick_ns
        bank = len(self.dram.levels) - 1
        whole = next((c for c in self.dram.commands.values() if c.refreshes and c.scope < bank), command)
        return (self.power_mw("IDD5B") - base_mw) * whole.latency * self.tick_ns * covered / self.banks

    def command(self, command: ResolvedCommand) -> CommandEnergy | None:
        """Energy of a command of the standard itself; None for one that currents say nothing of."""
        if command.refreshes:
            return CommandEnergy(array_pj=self.refresh_pj(command), source=self.idd.source)
        if command.opens:
            return CommandEnergy(array_pj=self.activation_pj() * command.activations, source=self.idd.source)
        if command.row == "open" and command.data == "read":
            return self.burst("IDD4R")
        if command.row == "open" and command.data == "write":
            return self.burst("IDD4W")
        return None

    def resolved(self) -> ResolvedEnergy:
        """The whole table; commands that the standard states itself have precedence."""
        stated = self.spec.energy.commands
        found = {name: self.command(c) for name, c in self.dram.commands.items() if name not in stated}
        return ResolvedEnergy(
            commands={name: row for name, row in found.items() if row is not None} | stated,
            ranks=self.ranks,
            banks_per_rank=self.banks,
            precharged_mw=self.ranks * self.power_mw("IDD2N"),
            rank_open_mw=self.rank_open_mw,
            bank_open_mw=self.bank_open_mw,
            power_down_active_mw=self.ranks * self.power_mw("IDD3P"),
            power_down_precharged_mw=self.ranks * self.power_mw("IDD2P"),
            self_refresh_mw=self.ranks * self.power_mw("IDD6"),
        )


def interface_pj_per_bit(interface: Interface, data_rate_mbps: int) -> float:
    """Energy of one bit on a data pin, in pJ. Raises ValueError for an interface that says too little."""
    if interface.pj_per_bit is not None:
        return interface.pj_per_bit
    supply, driver, termination = interface.supply_v, interface.driver_ohm, interface.termination_ohm
    share = interface.conducting_share
    if supply is None or driver is None or termination is None or share is None:
        raise ValueError(
            "an interface needs pj_per_bit, or supply_v, driver_ohm, termination_ohm and conducting_share together"
        )
    return supply * supply / (driver + termination) * share / data_rate_mbps * 1e6
