"""DRAM energy: counts of commands, and time with rows open, times the standard's table."""

from __future__ import annotations

from collections.abc import Mapping

from simulator.config.dram_schema import Dram


def background_pj(spec: Dram, active_ticks: int, rank_ticks: int, ranks: int) -> float:
    """Background energy of ``rank_ticks`` rank-ticks, ``active_ticks`` of them with any bank open, in pJ."""
    tick_ps = spec.tCK_ps / spec.ticks_per_clock
    active_mw_ticks = spec.energy.background_active_mw * active_ticks
    precharged_mw_ticks = spec.energy.background_precharged_mw * (rank_ticks - active_ticks)
    return (active_mw_ticks + precharged_mw_ticks) / ranks * tick_ps * 1e-3


def command_pj(spec: Dram, commands: Mapping[str, int]) -> dict[str, float]:
    """Energy of issued commands by class (``dram_array``, ``dram_io``, ``compute``, ``sram``), in pJ."""
    total = {"dram_array": 0.0, "dram_io": 0.0, "compute": 0.0, "sram": 0.0}
    for name, count in commands.items():
        row = spec.energy.commands.get(name)
        if row is not None:
            total["dram_array"] += count * row.array_pj
            total["dram_io"] += count * row.io_pj
            total["compute"] += count * row.compute_pj
            total["sram"] += count * row.sram_pj
    return total
