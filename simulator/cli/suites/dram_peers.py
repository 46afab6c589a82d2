"""Where two simulators disagree on one DRAM: the table of one under the policies of the other, beside both figures."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from simulator.cli.suites.base import Case
from simulator.cli.suites.dram_golden import CYCLES, FILE, GoldenConfig, GoldenRun

if TYPE_CHECKING:
    from simulator.config.dram_schema import Dram

KIND = "policy"
SAME_DRAM = {
    ("ramulator2.1", "DDR4"): ("dramsim3", "DDR4_m"),
    ("ramulator2.1", "HBM2_1pc"): ("dramsim3", "HBM2_m"),
}
"""Configurations with equal organisation, timings and mapping, as far as the two programs allow."""

Cycles = Callable[[GoldenConfig, "Dram", GoldenRun], int]


def policy_cases(configs: Sequence[GoldenConfig], cycles: Cycles) -> Iterator[Case]:
    """The streams that both of a pair ran; ``cycles`` runs one."""
    known = {(config.simulator, config.name): config for config in configs}
    for one, other in SAME_DRAM.items():
        if one in known and other in known:
            yield from _pair(known[one], known[other], cycles)


def _pair(table: GoldenConfig, policy: GoldenConfig, cycles: Cycles) -> Iterator[Case]:
    from simulator.cli.suites.dram_spec import build_spec, unsupported
    from simulator.cli.suites.dram_streams import KNOWN

    if unsupported(table) or unsupported(policy):
        return
    spec = _with_policy_of(build_spec(table), build_spec(policy))
    there = {(run.stream, run.refresh): run for run in policy.runs()}
    for run in table.runs():
        found = there.get((run.stream, run.refresh))
        if found is None or run.stream not in KNOWN:
            continue
        yield Case(
            case=f"{table.title}/{run.stream}/{run.refresh} as {policy.simulator}",
            expected=found.cycles,
            got=cycles(table, spec, run),
            kind=KIND,
            source=f"{policy.title}, {CYCLES} of {FILE}",
            limit_pct=None,
            basis="compat",
            differences=(f"own policy: {run.cycles:,}",),
        )


def _with_policy_of(spec: Dram, other: Dram) -> Dram:
    """A standard with the controller of another, its buses and mapping left; rows close for refresh as there."""
    own = spec.controller
    controller = other.controller.model_copy(
        update={"command_buses": own.command_buses, "address_mapping": own.address_mapping}
    )
    commands = dict(spec.commands)
    closer = other.commands[controller.refresh].closer
    commands[controller.refresh] = commands[controller.refresh].model_copy(update={"closer": closer})
    return spec.model_copy(update={"controller": controller, "commands": commands})
