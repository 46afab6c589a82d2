"""What the reference engine's controller takes in a pass over a command bus (docs/dram-engine.md sections 4 and 11)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import prod
from typing import NamedTuple

from simulator.dram.reference_queues import Entry, Queues
from simulator.dram.reference_refresh import RefreshClock
from simulator.dram.reference_state import Channel, first_closed, first_open_on_another_row
from simulator.dram.reference_table import Node, ReferenceCommand
from simulator.errors import SimulationStalled


class Step(NamedTuple):
    """The next command of a queue entry, with the node that it goes to."""

    command: ReferenceCommand
    node: Node
    final: ReferenceCommand

    @property
    def is_final(self) -> bool:
        """Whether the command is what was asked for rather than on the way to it."""
        return self.command is self.final


class Choice(NamedTuple):
    """What a pass over a command bus takes."""

    entry: Entry
    step: Step


class Chooser:
    """The policies of a channel, and what they remember of the commands so far."""

    def __init__(self, channel: Channel, queues: Queues, refreshes: RefreshClock) -> None:
        self._channel = channel
        self._table = channel.table
        self._queues = queues
        self._policy = queues.limits
        self._nodes = list(channel.banks)
        self._refreshes = refreshes
        self._pulled_in = 0
        self._forced: Entry | None = None
        self._sync_until = 0
        self._hits: Counter[int] = Counter()
        self._used: Counter[int] = Counter()
        ranks = prod(self._table.counts[: self._table.rank_depth])
        self._partial = len(refreshes.turns) > ranks

    # The choice

    def choose(self, bus: str, tick: int) -> Choice | None:
        """One pass over one command bus."""
        if self._forced is not None:
            choice = Choice(self._forced, self._next_step(self._forced))
            return choice if self._ready(choice, tick) else None
        found = self._opening(tick, tick) or self._work(bus, tick)
        if found is not None:
            return self._synchronised(found, tick)
        return self._idle_row(bus, tick) or self._opening(tick, None)

    def _work(self, bus: str, tick: int) -> Choice | None:
        """Steps 1 to 4 of section 4."""
        queues = self._queues
        beside = self._table.near_bank_slack is not None
        if beside and queues.near_bank and not queues.refresh:
            choice = self._head(queues.near_bank[0], bus, tick)
            if choice is not None or not self._leaves_slack(queues.near_bank[0], bus, tick):
                return choice
        in_order = queues.oldest() if self._policy.scheduler == "IN_ORDER" else None
        choice = self._best(self._choices(queues.active, bus, in_order), tick)
        if choice and self._ready(choice, tick):
            return choice
        pressing = self._refresh_is_pressing()
        if pressing:
            choice = self._head(queues.refresh[0], bus, tick)
            if choice is not None or not self._partial:
                return choice
        if queues.near_bank and not beside:
            return None if pressing or self._openings() else self._head(queues.near_bank[0], bus, tick)
        choices = [c for c in self._choices(*self._served(bus, tick)) if self._may(c, pressing=pressing)]
        choice = self._best(choices, tick)
        if choice is None or not self._ready(choice, tick) or self._takes_active_row(choice):
            return None
        return choice

    def _served(self, bus: str, tick: int) -> tuple[list[Entry], str, Entry | None]:
        """The buffer that step 4 looks at, and the one entry of it that it may take, if it is only one."""
        queues = self._queues
        if self._policy.scheduler == "IN_ORDER":
            return [*queues.reads, *queues.writes], bus, queues.oldest()
        oldest = min([*queues.reads, *queues.writes], key=lambda entry: entry.order, default=None)
        limit = self._table.age_limit
        if oldest is not None and limit is not None and tick - oldest.arrival > limit:
            return [oldest], bus, oldest
        return queues.served_buffer(), bus, None

    def _head(self, entry: Entry, bus: str, tick: int) -> Choice | None:
        """The head of a queue that is served in order, if its next command may issue on this bus."""
        choice = next(iter(self._choices([entry], bus)), None)
        if choice is None or not self._ready(choice, tick):
            return None
        if self._policy.contention == "skip" and self._takes_active_row(choice):
            return None
        return choice

    def _leaves_slack(self, entry: Entry, bus: str, tick: int) -> bool:
        """Whether the next near-bank command, which may not issue in this pass, is far enough away for memory."""
        step = self._next_step(entry)
        free = self._free_from(step)
        if free is None:
            return True
        free += (1 - free) % step.command.align
        if free <= tick and step.command.bus == bus:
            return True  # Only a row that an active request needs holds it back.
        return max(free, tick + 1) - tick >= (self._table.near_bank_slack or 0)

    def _choices(self, entries: Sequence[Entry], bus: str, only: Entry | None = None) -> list[Choice]:
        """The entries (or the one given of them) whose next command uses the bus and disturbs no opening under way."""
        if only is not None:
            entries = [entry for entry in entries if entry is only]
        choices = [Choice(entry, self._next_step(entry)) for entry in entries]
        half_open = bool(self._openings())
        return [c for c in choices if c.step.command.bus == bus and not (half_open and self._disturbs(c.step))]

    def _best(self, choices: list[Choice], tick: int) -> Choice | None:
        """What the scheduler prefers."""
        by_readiness = self._policy.scheduler == "FRFCFS"

        def rank(choice: Choice) -> tuple[bool, int]:
            return by_readiness and not self._ready(choice, tick), choice.entry.arrival

        return min(choices, key=rank, default=None)

    def _ready(self, choice: Choice, tick: int) -> bool:
        free, command = self._free_from(choice.step), choice.step.command
        return free is not None and free <= tick and (tick - 1) % command.align == 0

    def _free_from(self, step: Step) -> int | None:
        """The tick from which a step may be taken; None for a barrier that waits for the active buffer."""
        if step.command is not self._table.barrier:
            return self._channel.free_from(step.command, step.node)
        waits = self._queues.active and "sync_ignores_active_buffer" not in self._policy.quirks
        return None if waits else 0

    # The next command

    def _final(self, entry: Entry) -> ReferenceCommand:
        """The command that does what was asked; with auto-precharge if nobody else needs the row (closed page)."""
        if self._policy.page_policy == "closed" and entry.memory:
            others = (other for other in self._queues.memory() if other is not entry)
            if not any(other.bank == entry.bank and other.row == entry.row for other in others):
                return self._table.commands[self._table.twins.get(entry.command, entry.command)]
        return self._table.commands[entry.command]

    def _next_step(self, entry: Entry) -> Step:
        """The final command, or what must come before it."""
        final = self._final(entry)
        node = self._table.node_of(final, self._nodes[entry.bank])
        banks = self._channel.banks_of(final, node)
        if final.row == "any":
            return Step(final, node, final)
        wrong = first_open_on_another_row(final, banks, entry.row if final.row == "open" else None)
        if wrong is not None:
            return self._on_the_way(final.closer, wrong, final)
        closed = first_closed(final, banks) if final.row == "open" else None
        if closed is not None:
            return self._on_the_way(final.opener, closed, final)
        return Step(final, node, final)

    def _on_the_way(self, name: str | None, bank: Node, final: ReferenceCommand) -> Step:
        """The opener or closer of ``final``, to the node of its scope that holds ``bank``."""
        if name is None:
            raise SimulationStalled(f"{final.name} needs another row state and names no command that brings it about")
        command = self._table.commands[name]
        return Step(command, self._table.node_of(command, bank), final)

    # What the policies forbid

    def _takes_active_row(self, choice: Choice) -> bool:
        """Whether a precharge on the way would close a row that an active request still needs."""
        command, node, _ = choice.step
        if choice.step.is_final or not command.closes or 0 not in command.row_buffers:
            return False
        return any(self._table.node_of(command, self._nodes[entry.bank]) == node for entry in self._queues.active)

    def _may(self, choice: Choice, *, pressing: bool) -> bool:
        """Whether the policies let a request of the read or write buffer have its next command."""
        entry, step = choice
        if pressing:
            command = self._table.commands[self._policy.refresh]
            places = (self._nodes[entry.bank], self._nodes[self._queues.refresh[0].bank])
            if len({self._table.node_of(command, place) for place in places}) == 1:
                return False
        if step.is_final:
            return not self._row_is_worn(entry)
        return self._policy.contention != "skip" or not self._takes_active_row(choice)

    def _row_is_worn(self, entry: Entry) -> bool:
        """Whether a hit must give way: its row has had its share, and an older one of the buffer wants another row."""
        cap = self._policy.row_hit_cap
        if cap is None or self._hits[entry.bank] < cap:
            return False
        buffer = self._queues.reads if entry in self._queues.reads else self._queues.writes
        before = buffer[: buffer.index(entry)]
        return any(other.bank == entry.bank and other.row != entry.row for other in before)

    # Refresh

    def refresh_falls_due(self) -> None:
        """The next refresh joins the queue, unless it was pulled in before."""
        if self._pulled_in:
            self._pulled_in -= 1
        else:
            self._append_refresh()

    def _append_refresh(self) -> None:
        bank = self._nodes.index(self._refreshes.next_bank())
        self._queues.refresh.append(Entry(self._policy.refresh, bank, row=-1))

    def _refresh_is_pressing(self) -> bool:
        """Whether a refresh waits that does not give way to requests; an idle channel pulls one in, if it may."""
        queues, policy, nodes = self._queues, self._policy, len(self._refreshes.turns)
        if not queues.busy and not queues.refresh and self._pulled_in < policy.refresh_pull_in * nodes:
            self._pulled_in += 1
            self._append_refresh()
        waiting = len(queues.refresh)
        return waiting > max(0, policy.refresh_postpone - 1) * nodes or (waiting > 0 and not queues.busy)

    # Openings in two steps, and the data clock

    def _openings(self) -> list[Entry]:
        """The active requests whose bank is half open."""
        active = self._queues.active if self._table.two_steps else []
        return [entry for entry in active if self._channel.banks[self._nodes[entry.bank]].due is not None]

    def _disturbs(self, step: Step) -> bool:
        """Whether a command may not come between the two steps of an opening: openers, refreshes, all to that bank."""
        if step.command.opens or step.command.name == self._policy.refresh:
            return True
        return any(bank.due is not None for _, bank in self._channel.banks_of(step.command, step.node))

    def _opening(self, tick: int, by: int | None) -> Choice | None:
        """The second step of an opening that is under way, if it may issue; if ``by`` is given, only if due by then."""
        for entry in self._openings():
            due = self._channel.banks[self._nodes[entry.bank]].due or 0
            if by is None or due <= by:
                choice = self._second_step(entry)
                if self._ready(choice, tick):
                    return choice
        return None

    def _second_step(self, entry: Entry) -> Choice:
        final = self._table.commands[entry.command]
        opener = self._table.commands[final.opener or ""]
        command = self._table.commands[opener.completed_by or ""]
        return Choice(entry, Step(command, self._nodes[entry.bank], final))

    def _synchronised(self, choice: Choice, tick: int) -> Choice | None:
        """The choice, or what has to come before it when the data clock has lapsed."""
        entry, step = choice
        if not step.is_final or step.command.sync is None or tick < self._sync_until:
            return choice
        opening = self._opening(tick, tick + 1)
        if opening is not None:
            return opening
        command = self._table.commands[step.command.sync]
        sync = Choice(entry, Step(command, self._table.node_of(command, self._nodes[entry.bank]), step.final))
        return sync if self._ready(sync, tick) else None

    # Rows that nobody uses

    def _idle_row(self, bus: str, tick: int) -> Choice | None:
        """The closer of the first bank whose row was not used for the timeout and is not wanted."""
        for choice, since in self._idle_rows():
            if since <= tick and choice.step.command.bus == bus and self._ready(choice, tick):
                return choice
        return None

    def _idle_rows(self) -> list[tuple[Choice, int]]:
        """Closers of the rows that nobody wants, and the ticks at which their timeouts end."""
        timeout = self._table.page_timeout
        if timeout is None or self._queues.near_bank or self._channel.mode != "memory":
            return []
        read = self._table.commands["RD"]
        closer = self._table.commands[read.closer or ""]
        found = []
        for number, (node, bank) in enumerate(self._channel.banks.items()):
            wanted = any(other.bank == number for other in self._queues.active) or any(
                other.bank == number and other.row == bank.open_row for other in self._queues.memory()
            )
            if bank.open_row is not None and bank.due is None and not wanted:
                step = Step(closer, self._table.node_of(closer, node), read)
                found.append((Choice(Entry("RD", number, row=-1), step), self._used[number] + timeout))
        return found

    # What is remembered, and when it matters

    def note(self, choice: Choice, tick: int) -> None:
        """Remember a command that issues."""
        entry, step = choice
        self._forced = entry if step.final.sync == step.command.name else None
        if entry in self._queues.near_bank:
            self._used = Counter(dict.fromkeys(range(len(self._nodes)), tick))
        if not entry.memory or step.command.completes or self._forced is not None:
            return
        self._used[entry.bank] = tick
        self._hits[entry.bank] = self._hits[entry.bank] + 1 if step.is_final else 0
        if step.is_final:
            self._sync_until = max(self._sync_until, tick + step.command.sync_holds)

    def changes(self, tick: int) -> list[int]:
        """Ticks after ``tick``, in which nothing issued, at which a pass may decide otherwise."""
        steps = [self._next_step(entry) for entry in self._queues.heads()]
        steps += [self._second_step(entry).step for entry in self._openings()]
        ticks = self._deadlines()
        for step in steps:
            free = self._free_from(step)
            if free is not None and (free > tick or step.command.align > 1 or step.command is self._table.barrier):
                ticks.append(max(free, tick + 1))
        return [when for when in ticks if when > tick]

    def _deadlines(self) -> list[int]:
        """Ticks at which a policy changes its mind without any command."""
        ticks = [self._channel.banks[self._nodes[entry.bank]].due or 0 for entry in self._openings()]
        if self._table.age_limit is not None:
            ticks += [entry.arrival + self._table.age_limit + 1 for entry in self._queues.memory()]
        for choice, since in self._idle_rows():
            ticks.append(max(since, self._channel.free_from(choice.step.command, choice.step.node)))
        return ticks
