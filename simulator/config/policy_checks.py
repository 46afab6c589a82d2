"""What must hold for the policies of a controller, and for commands that go together."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from simulator.config.dram_schema import Command, Dram
from simulator.config.faults import Fault

COMMAND_QUEUES = ("BANK_QUEUES", "RANK_QUEUES")
PATH = ("controller",)


def policy_faults(spec: Dram) -> Iterator[Fault]:
    """Policies that exclude each other, or that the standard cannot serve."""
    controller = spec.controller
    yield from _scheduler(spec)
    if (controller.page_policy == "timeout") != (controller.page_timeout is not None):
        yield Fault((*PATH, "page_timeout"), "'page_policy: timeout' and page_timeout (in clocks) come together")
    yield from _refresh(spec)
    yield from _near_bank(spec)
    yield from _mapping(spec)


def _refresh(spec: Dram) -> Iterator[Fault]:
    controller, most = spec.controller, spec.max_postponed_refreshes
    moved = {key: getattr(controller, key) for key in ("refresh_postpone", "refresh_pull_in")}
    for key, value in moved.items():
        if value > most:
            yield Fault((*PATH, key), f"{value} is out of range (allowed: 0..{most}, of {spec.standard})")
        if value and controller.refresh == "none":
            yield Fault((*PATH, key), "there is no refresh to move (refresh: none)")
    total = sum(moved.values())
    if total > most >= max(moved.values()):
        message = f"refresh_postpone and refresh_pull_in are {total} together (allowed: {most}, of {spec.standard})"
        yield Fault((*PATH, "refresh_pull_in"), message)


def _scheduler(spec: Dram) -> Iterator[Fault]:
    controller = spec.controller
    queued = controller.scheduler in COMMAND_QUEUES
    if queued:
        for key in ("age_limit", "page_timeout", "refresh_postpone", "refresh_pull_in"):
            if getattr(controller, key):
                yield Fault((*PATH, key), f"'{controller.scheduler}' has no {key}")
        for name, command in spec.commands.items():
            if command.completed_by or command.sync:
                yield Fault(
                    (*PATH, "scheduler"), f"'{controller.scheduler}' does not serve '{name}', a command in two steps"
                )
    elif controller.forwarding:
        yield Fault(
            (*PATH, "forwarding"), f"'{controller.scheduler}' forwards nothing (allowed: {', '.join(COMMAND_QUEUES)})"
        )
    if controller.scheduler == "IN_ORDER" and controller.age_limit:
        yield Fault((*PATH, "age_limit"), "'IN_ORDER' serves the oldest request anyway")


def _near_bank(spec: Dram) -> Iterator[Fault]:
    """Near-bank commands beside memory requests: plain scheduling only; and the openers of each row buffer."""
    controller = spec.controller
    if controller.near_bank == "concurrent":
        if controller.scheduler not in ("FRFCFS", "FCFS"):
            yield Fault((*PATH, "near_bank"), f"'{controller.scheduler}' serves no near-bank commands beside others")
        for key in ("age_limit", "page_timeout", "row_hit_cap", "refresh_postpone", "refresh_pull_in", "mode_switch"):
            if getattr(controller, key):
                yield Fault((*PATH, "near_bank"), f"'concurrent' does not go with {key}")
        if controller.refresh not in ("none", "REFab"):
            yield Fault((*PATH, "near_bank"), f"'concurrent' does not go with refresh: {controller.refresh}")
        for name, command in spec.commands.items():
            if command.completed_by or command.sync:
                yield Fault((*PATH, "near_bank"), f"'concurrent' does not go with '{name}', a command in two steps")
    elif controller.near_bank_slack:
        yield Fault((*PATH, "near_bank_slack"), "it needs near_bank: concurrent")
    if spec.organization.row_buffers > 1:
        yield from _row_buffers(spec)


def _row_buffers(spec: Dram) -> Iterator[Fault]:
    """Helpers act on what their commands need, reads and writes on the memory's row, refreshes on both."""
    for name, command in spec.commands.items():
        path = ("commands", name)
        on_cells = command.data != "none" and not command.registers
        wanted = "both" if command.refreshes else "memory" if on_cells else command.row_buffer
        if command.row_buffer != wanted:
            yield Fault((*path, "row_buffer"), f"'{name}' needs row_buffer: {wanted}, not '{command.row_buffer}'")
        for key in ("opener", "closer"):
            helper = spec.commands.get(getattr(command, key) or "")
            if helper is not None and helper.row_buffer not in (command.row_buffer, "both"):
                message = f"'{getattr(command, key)}' changes the row buffer '{helper.row_buffer}', '{name}' needs "
                yield Fault((*path, key), f"{message}'{command.row_buffer}'")


def _mapping(spec: Dram) -> Iterator[Fault]:
    controller, organization = spec.controller, spec.organization
    if controller.bank_hash == "xor":
        banks = organization.levels.get("bankgroup", 1) * organization.levels.get("bank", 1)
        if banks & (banks - 1) or organization.rows % banks:
            message = f"{banks} banks do not change places by XOR (allowed: a power of two that divides the rows)"
            yield Fault((*PATH, "bank_hash"), message)
    block = controller.channel_interleave_bytes
    if block is not None:
        channel = prod(organization.levels.values()) * organization.rows * organization.row_bytes
        if block % organization.burst_bytes or channel % block:
            message = f"{block} bytes are no whole bursts of {organization.burst_bytes} bytes that divide a channel"
            yield Fault((*PATH, "channel_interleave_bytes"), message)


def command_faults(spec: Dram) -> Iterator[Fault]:
    """Commands that reach banks in several nodes, openings in two steps, commands that need the data clock."""
    for name, command in spec.commands.items():
        path = ("commands", name)
        if command.across:
            yield from _across(spec, name, command)
        if (command.completed_by is None) != (command.complete_within is None):
            yield Fault((*path, "complete_within"), "completed_by and complete_within come together")
        if command.completed_by is not None and not command.opens:
            yield Fault((*path, "completed_by"), f"'{name}' opens nothing (opens: true)")
        opener = spec.commands.get(command.opener or "")
        if opener is not None and opener.completed_by not in (None, name) and command.data == "none":
            yield Fault(
                (*path, "opener"), f"'{command.opener}' opens in two steps, which only reads and writes wait for"
            )
    split = [name for name, command in spec.commands.items() if command.completed_by or command.sync]
    if split and spec.controller.command_buses == "split":
        yield Fault((*PATH, "command_buses"), f"'split' does not go with '{split[0]}', a command in two steps")


def _across(spec: Dram, name: str, command: Command) -> Iterator[Fault]:
    """A bank command that moves no data, across levels above the bank; its rows do not count siblings there."""
    path, levels = ("commands", name, "across"), list(spec.organization.levels)
    for level in command.across:
        if level not in levels[:-1]:
            yield Fault(path, f"'{level}' is no level between channel and bank (known: {', '.join(levels[:-1])})")
            return
    first = levels.index(command.across[0])
    if command.across != tuple(levels[first : first + len(command.across)]):
        yield Fault(path, f"{', '.join(command.across)} are no neighbours from the outside in ({', '.join(levels)})")
    if command.scope != levels[-1] or command.data != "none" or command.completed_by:
        yield Fault(path, f"only a command to a bank that moves no data, in one step, reaches across, not '{name}'")
    for position, row in enumerate(spec.constraints):
        if name not in (*row.from_, *row.to) or row.level not in levels:
            continue
        if row.sibling and levels.index(row.level) >= first:
            yield Fault(("constraints", position, "sibling"), f"'{name}' reaches all siblings there")
