"""Shipped standards that claim the values of a golden configuration: do their tables agree with it?"""

from __future__ import annotations

from collections.abc import Iterator

from simulator.cli.suites.dram_golden import GoldenConfig
from simulator.config.dram_schema import Dram
from simulator.config.timing import ResolvedDram

SHIPPED = {
    ("HBM2_8Gb", "HBM2_2000Mbps"): "hbm2_2.0g",
    ("HBM3_16Gb_8hi", "HBM3_6400Mbps"): "hbm3_6.4g",
    ("DDR4_8Gb_x8", "DDR4_2400U"): "ddr4_2400_8gb_x8",
    ("DDR5_16Gb_x8", "DDR5_4800BN"): "ddr5_4800_16gb_x8",
    ("LPDDR5_16Gb_x16", "LPDDR5_6400"): "lpddr5_6400_16gb_x16",
    ("GDDR6_8Gb_x16", "GDDR6_14000_1350mV_double"): "gddr6_14g_8gb",
}
"""(organisation preset, timing preset) of the golden simulator -> the standard made from them."""


def shipped_name(config: GoldenConfig) -> str | None:
    """The shipped standard of a configuration's presets, taken without changes; None if there is none."""
    if config.entry.get("overrides"):
        return None
    return SHIPPED.get((config.entry.get("org_preset", ""), config.entry.get("timing_preset", "")))


def of_main_source(spec: Dram) -> Dram:
    """The standard without the constraint rows that name a source of their own, which the main source lacks."""
    return spec.model_copy(update={"constraints": tuple(row for row in spec.constraints if row.source is None)})


Facts = set[tuple[object, ...]]


def facts(dram: ResolvedDram, commands: frozenset[str]) -> Facts:
    """A standard's geometry, its rows among ``commands``, and their lengths and latencies, in ticks."""
    return {
        ("clock", dram.tCK_ps, dram.ticks_per_clock, dram.refresh_interval),
        ("geometry", dram.levels, dram.level_counts, dram.rows, dram.burst_bytes),
        *_rows(dram, commands),
        *(("command", name, dram.commands[name].bus_ticks, dram.commands[name].align) for name in sorted(commands)),
        ("latency", "RD", dram.commands["RD"].latency),
    }


def _rows(dram: ResolvedDram, commands: frozenset[str]) -> Iterator[tuple[object, ...]]:
    for row in dram.constraints:
        for before in row.from_:
            for after in row.to:
                if {before, after} <= commands:
                    level = dram.levels[row.level]
                    yield ("gap", level, before, after, row.base_gap, row.window, row.sibling)


def disagreements(golden: ResolvedDram, shipped: ResolvedDram) -> tuple[int, tuple[str, ...]]:
    """How many facts the golden configuration states, and those of either side that the other lacks."""
    commands = frozenset(golden.commands)
    missing = sorted(commands - shipped.commands.keys())
    stated = facts(golden, commands)
    ours = facts(shipped, commands & shipped.commands.keys())
    lacking = [f"lacks command {name}" for name in missing]
    lacking += sorted(f"lacks {_words(fact)}" for fact in stated - ours)
    return len(stated), (*lacking, *sorted(f"has {_words(fact)}" for fact in ours - stated))


def _words(fact: tuple[object, ...]) -> str:
    return " ".join(str(part) for part in fact)
