"""What must hold for a DRAM standard beyond the types of its keys.

Names that exist, a geometry that fits, rows that can issue.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from functools import cached_property
from math import prod

from simulator.config.address_mapping import mapping_faults
from simulator.config.dram_schema import Command, Constraint, Dram, Expression
from simulator.config.energy_checks import energy_faults, idle_faults
from simulator.config.expressions import MAX_CLOCKS, evaluate
from simulator.config.faults import Fault, semantic_check
from simulator.config.nearest import hint
from simulator.config.policy_checks import command_faults, policy_faults
from simulator.config.timing import BANK, CHANNEL, REFRESH_INTERVAL, clock_name, clock_value
from simulator.config.tree import Path

BURST = "nBL"
BURST_TOLERANCE = 0.1
MAX_BANKS = 4096


@semantic_check(Dram)
def check_dram(spec: Dram) -> Iterator[Fault]:
    """Every fault of the standard, in the order of the document."""
    yield from _Checks(spec).all()


class _Checks:
    """The checks of one standard; each yields the faults that it finds."""

    def __init__(self, spec: Dram) -> None:
        self.spec = spec
        self.levels = (CHANNEL, *spec.organization.levels)

    @cached_property
    def timings(self) -> dict[str, int]:
        """Timings in clocks, as far as their names are valid."""
        known = {}
        for name, value in self.spec.timings.items():
            try:
                known[clock_name(name)] = max(0, clock_value(name, max(0, value), self.spec.tCK_ps))
            except ValueError:
                continue
        return known

    def all(self) -> Iterator[Fault]:
        """Every fault."""
        yield from self.organization()
        yield from self.timing_names()
        yield from self.data_rate()
        for name, command in self.spec.commands.items():
            yield from self.command(name, command, ("commands", name))
        yield from self.memory_commands()
        yield from self.precharge_all()
        for position, row in enumerate(self.spec.constraints):
            yield from self.constraint(row, ("constraints", position))
        yield from self.controller()
        for name in self.spec.energy.commands:
            yield from self.known_command(name, ("energy", "commands", name))
        yield from energy_faults(self.spec, self.timings)
        yield from idle_faults(self.spec, self.timings)

    def organization(self) -> Iterator[Fault]:
        """The last level is the bank, rows hold whole bursts, bursts whole beats."""
        org, path = self.spec.organization, ("organization",)
        names = tuple(org.levels)
        if not names or names[-1] != BANK:
            found = f"the last level is '{names[-1]}'" if names else "there is no level"
            yield Fault((*path, "levels"), f"impossible geometry: {found}, it must be '{BANK}'")
        if prod(org.levels.values()) > MAX_BANKS:
            message = (
                f"impossible geometry: {prod(org.levels.values())} banks in a channel (allowed: at most {MAX_BANKS})"
            )
            yield Fault((*path, "levels"), message)
        if CHANNEL in names:
            yield Fault((*path, "levels", CHANNEL), f"impossible geometry: '{CHANNEL}' is the level above all others")
        if org.row_bytes % org.burst_bytes:
            yield Fault(
                (*path, "row_bytes"),
                f"impossible geometry: {org.row_bytes} bytes are not whole bursts of {org.burst_bytes} bytes",
            )
        yield from self.package()
        channels = org.levels.get("pseudochannel", 1)
        if org.data_pins % channels:
            yield Fault(
                (*path, "data_pins"), f"impossible geometry: {org.data_pins} pins for {channels} pseudo-channels"
            )
        elif org.burst_bytes * 8 % (org.data_pins // channels):
            pins = org.data_pins // channels
            yield Fault(
                (*path, "burst_bytes"),
                f"impossible geometry: {org.burst_bytes * 8} bits are not whole beats on {pins} pins",
            )

    def package(self) -> Iterator[Fault]:
        """The channels of the package hold as much as its dies."""
        org = self.spec.organization
        if org.package is None:
            return
        package = org.package
        channels_bits = package.channels * prod(org.levels.values()) * org.rows * org.row_bytes * 8
        dies_bits = package.dies * package.die_gbit * 2**30
        if channels_bits != dies_bits:
            yield Fault(
                ("organization", "package"),
                f"impossible geometry: {package.channels} channels hold {channels_bits / 2**30:g} Gb, "
                f"{package.dies} dies of {package.die_gbit} Gb hold {dies_bits / 2**30:g} Gb",
            )

    def timing_names(self) -> Iterator[Fault]:
        """Names are ``n...`` or ``t..._ps``, each timing is given once, none is negative."""
        seen: dict[str, str] = {}
        for name, value in self.spec.timings.items():
            path = ("timings", name)
            try:
                clocks = clock_name(name)
            except ValueError as error:
                yield Fault(path, str(error))
                continue
            if clocks in seen:
                yield Fault(path, f"'{name}' and '{seen[clocks]}' give the same timing")
            seen[clocks] = name
            if value < 0:
                yield Fault(path, f"{value} is out of range (allowed: at least 0)")
            elif self.timings[clocks] > MAX_CLOCKS:
                yield Fault(path, f"{self.timings[clocks]} clocks are out of range (allowed: at most {MAX_CLOCKS})")

    def data_rate(self) -> Iterator[Fault]:
        """The pins need as long for a burst as nBL says, but for the rounding of the clock to whole ps."""
        org, clocks = self.spec.organization, self.timings.get(BURST, 0)
        pins = org.data_pins // org.levels.get("pseudochannel", 1)
        if not clocks or not pins:
            return
        on_pins_ps = org.burst_bytes * 8 * 1e6 / (pins * org.data_rate_mbps)
        in_clocks_ps = clocks * self.spec.tCK_ps
        if abs(on_pins_ps - in_clocks_ps) > BURST_TOLERANCE * in_clocks_ps:
            message = (
                f"{org.data_rate_mbps} Mb/s on {pins} pins take {on_pins_ps:.5g} ps for {org.burst_bytes} bytes, "
                f"but {BURST} x tCK_ps are {in_clocks_ps} ps"
            )
            yield Fault(("organization", "data_rate_mbps"), message)

    def known_command(self, name: str, path: Path) -> Iterator[Fault]:
        """``name`` is in the command table."""
        commands = self.spec.commands
        if name not in commands:
            yield Fault(path, f"there is no command '{name}' (known: {', '.join(commands)}){hint(name, commands)}")

    def known_level(self, name: str, path: Path) -> Iterator[Fault]:
        """``name`` is a level."""
        if name not in self.levels:
            yield Fault(path, f"there is no level '{name}' (known: {', '.join(self.levels)}){hint(name, self.levels)}")

    def expression(self, expression: Expression, path: Path, *, least: int | None = None) -> Iterator[Fault]:
        """The expression has a value, of at least ``least``."""
        try:
            value = evaluate(expression, self.timings)
        except ValueError as error:
            yield Fault(path, str(error))
            return
        if least is not None and value < least:
            yield Fault(path, f"'{expression}' is {value}, which is out of range (allowed: at least {least})")

    def command(self, name: str, command: Command, path: Path) -> Iterator[Fault]:
        """One command: its scope, its helpers, its latency."""
        yield from self.known_level(command.scope, (*path, "scope"))
        yield from self.helpers(name, command, path)
        yield from self.expression(command.latency, (*path, "latency"), least=0)
        if command.data != "none" and command.latency == 0:
            yield Fault((*path, "data"), f"'{name}' moves data and needs a latency")
        for key, expression in (("complete_within", command.complete_within), ("sync_holds", command.sync_holds)):
            if expression is not None:
                yield from self.expression(expression, (*path, key))
        for key, other in (("completed_by", command.completed_by), ("sync", command.sync)):
            if other is not None:
                yield from self.known_command(other, (*path, key))
        if command.opens and command.closes:
            yield Fault((*path, "closes"), f"'{name}' cannot both open and close")
        twin = command.auto_precharge_of
        if twin is not None:
            yield from self.known_command(twin, (*path, "auto_precharge_of"))
            if not command.closes:
                yield Fault((*path, "auto_precharge_of"), f"'{name}' must close the bank (closes: true)")

    def helpers(self, name: str, command: Command, path: Path) -> Iterator[Fault]:
        """``row: open`` needs an opener and a closer, ``row: closed`` a closer; both exist and do their work."""
        for key, helper, effect in (("opener", command.opener, "opens"), ("closer", command.closer, "closes")):
            needed = command.row == "open" or (key == "closer" and command.row == "closed")
            if helper is None:
                if needed:
                    yield Fault(path, f"'{name}' needs the key '{key}', since it says row: {command.row}")
                continue
            yield from self.known_command(helper, (*path, key))
            row = self.spec.commands.get(helper)
            if row is not None and not getattr(row, effect):
                yield Fault((*path, key), f"'{helper}' is the {key} of '{name}' but does not say {effect}: true")

    def memory_commands(self) -> Iterator[Fault]:
        """Plain requests need RD and WR; the closed page policy their twins."""
        needed = ["RD", "WR"]
        if self.spec.controller.page_policy == "closed":
            twins = {row.auto_precharge_of for row in self.spec.commands.values()}
            for name in needed:
                if name not in twins:
                    message = f"'closed' needs a command with auto_precharge_of: {name}"
                    yield Fault(("controller", "page_policy"), message)
        for name in needed:
            if name not in self.spec.commands:
                yield Fault(("commands",), f"the command '{name}' is missing")

    def precharge_all(self) -> Iterator[Fault]:
        """Something closes all banks that a refresh covers, or all of the channel where nothing refreshes."""
        commands = self.spec.commands.values()
        scopes = [row.scope for row in commands if row.refreshes and row.scope != BANK]
        scope = scopes[0] if scopes else CHANNEL
        closers = [row for row in commands if row.closes and not row.opens and row.row == "any" and row.scope == scope]
        if self.spec.organization.row_buffers > 1:
            closers = [row for row in closers if row.row_buffer == "both"]
        if not closers:
            yield Fault(
                ("commands",), f"a command that closes all banks is missing (scope: {scope}, row: any, closes: true)"
            )

    def constraint(self, row: Constraint, path: Path) -> Iterator[Fault]:
        """One constraint row: names, level, gap, and that its commands can ever issue."""
        yield from self.known_level(row.level, (*path, "level"))
        for key, names in (("from", row.from_), ("to", row.to)):
            for position, name in enumerate(names):
                yield from self.known_command(name, (*path, key, position))
                yield from self.level_covers(row, name, (*path, key, position))
        yield from self.expression(row.gap, (*path, "gap"))
        if row.sibling and row.level == CHANNEL:
            yield Fault((*path, "sibling"), "a channel has no sibling in the table of one channel")
        if row.window > 1:
            yield from self.window(row, path)

    def level_covers(self, row: Constraint, name: str, path: Path) -> Iterator[Fault]:
        """The level is the scope of the command or above it."""
        command = self.spec.commands.get(name)
        if command is None or command.scope not in self.levels or row.level not in self.levels:
            return
        if self.levels.index(row.level) > self.levels.index(command.scope):
            yield Fault(path, f"level '{row.level}' is finer than the scope of '{name}', which is '{command.scope}'")

    def window(self, row: Constraint, path: Path) -> Iterator[Fault]:
        """No command of a window opens more rows than fit into it."""
        for name in dict.fromkeys((*row.from_, *row.to)):
            weight = self.activations(name)
            if weight > row.window:
                message = f"impossible: '{name}' opens {weight} rows at once, the window allows {row.window}"
                yield Fault((*path, "window"), message)

    def activations(self, name: str) -> int:
        """The weight of a command in windows; 0 if it cannot be known."""
        command = self.spec.commands.get(name)
        if command is None:
            return 0
        if command.activations is not None:
            return command.activations
        counts = self.spec.organization.levels
        banks = 1
        for level in reversed(counts):
            if level == command.scope:
                break
            banks *= counts[level]
        return banks * command.opens

    def refresh_leaves_time(self, refresh: Command | None, path: Path) -> Iterator[Fault]:
        """A refresh is over before the next one is due."""
        period = self.timings.get(REFRESH_INTERVAL, 0)
        with suppress(ValueError):
            takes = evaluate(refresh.latency, self.timings) if refresh else 0
            if 0 < period <= takes:
                message = f"a refresh takes {takes} clocks and is due every {period}: nothing else would ever run"
                yield Fault(path, message)

    def controller(self) -> Iterator[Fault]:
        """Refresh has a period and a command, the mode switch exists, the address mapping covers the levels."""
        controller, path = self.spec.controller, ("controller",)
        if controller.refresh != "none":
            if self.timings.get(REFRESH_INTERVAL, 0) < 1:
                message = (
                    f"'{controller.refresh}' needs the timing {REFRESH_INTERVAL} (or tREFI_ps) of at least 1 clock"
                )
                yield Fault((*path, "refresh"), message)
            refresh = self.spec.commands.get(controller.refresh)
            yield from self.refresh_leaves_time(refresh, (*path, "refresh"))
            if refresh is None or not refresh.refreshes:
                message = f"'{controller.refresh}' needs a command of that name with refreshes: true"
                yield Fault((*path, "refresh"), message)
        if controller.mode_switch is not None:
            yield from self.known_command(controller.mode_switch, (*path, "mode_switch"))
        else:
            for name, command in self.spec.commands.items():
                if command.mode == "register":
                    message = f"'{name}' needs register mode, so the controller needs the key 'mode_switch'"
                    yield Fault(("commands", name, "mode"), message)
        if controller.write_drain.low > controller.write_drain.high:
            yield Fault((*path, "write_drain", "low"), "low lies above high")
        for message in mapping_faults(controller.address_mapping, self.levels):
            yield Fault((*path, "address_mapping"), message)
        yield from policy_faults(self.spec)
        yield from command_faults(self.spec)
