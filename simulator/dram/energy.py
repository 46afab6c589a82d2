"""DRAM energy: counts of commands, and time with rows open, times the standard's resolved table."""

from __future__ import annotations

from collections.abc import Mapping

from simulator.config.energy import ResolvedEnergy


def background_pj(
    energy: ResolvedEnergy, tick_ps: float, *, rank_ticks: int, active_ticks: int, bank_ticks: int
) -> float:
    """Background energy of ``rank_ticks`` rank-ticks, in pJ.

    ``active_ticks`` of them are with any bank open; ``bank_ticks`` are bank-ticks open.
    """
    mw_ticks = energy.precharged_mw / energy.ranks * rank_ticks
    mw_ticks += energy.rank_open_mw * active_ticks + energy.bank_open_mw * bank_ticks
    return mw_ticks * tick_ps * 1e-3


def command_pj(energy: ResolvedEnergy, commands: Mapping[str, int]) -> dict[str, float]:
    """Energy of issued commands by class (``dram_array``, ``dram_io``, ``compute``, ``sram``), in pJ."""
    total = {"dram_array": 0.0, "dram_io": 0.0, "compute": 0.0, "sram": 0.0}
    for name, count in commands.items():
        row = energy.commands.get(name)
        if row is not None:
            total["dram_array"] += count * row.array_pj
            total["dram_io"] += count * row.io_pj
            total["compute"] += count * row.compute_pj
            total["sram"] += count * row.sram_pj
    return total
