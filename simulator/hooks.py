"""Hooks: how models tell observers what happens, without knowing them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import ClassVar, NamedTuple, ParamSpec

P = ParamSpec("P")


class IssuedCommand(NamedTuple):
    """A DRAM command of one channel: when its bus cycle begins, for how long, to where; -1 for no row or column."""

    time_ps: int
    took_ps: int
    name: str
    bank: str
    row: int
    column: int


ALL_BANKS = "all banks"
"""The ``bank`` of a command that addresses the whole channel."""

CommandsWithin = Callable[[int, int], Iterable[IssuedCommand]]
"""(from ps, until ps) -> the commands of a memory's first channel between them; found only when asked."""

Prices = Mapping[str, Mapping[str, Mapping[str, float]]]
"""Component -> action -> energy class -> pJ."""


class Instrument:
    """An observer of one run. A subclass overrides the callbacks that it wants; the others cost nothing.

    Times are ps since the start of the run. A callback that raises fails the run. ``restarts``: whether `run_started`
    makes it forget, so that it may watch each of several runs that look for an operating point.
    """

    restarts: ClassVar[bool] = False

    def run_started(self, prices: Prices, static_power_w: Mapping[str, Mapping[str, float]]) -> None:
        """A run begins: what actions cost, and the power that always flows in one device (component -> class -> W)."""

    def op_started(self, time_ps: int, op_name: str, op_kind: str, unit: str) -> None:
        """``op_name`` starts on ``unit``."""

    def op_finished(self, time_ps: int, op_name: str, op_kind: str, unit: str) -> None:
        """``op_name`` ends on ``unit``."""

    def op_work(self, op_kind: str, flops: int, n_bytes: int) -> None:
        """An op of ``op_kind`` that starts needs ``flops`` and ``n_bytes`` of stored weights, keys and values."""

    def transfer(self, start_ps: int, end_ps: int, hop: str, n_bytes: int, component: str) -> None:
        """``n_bytes`` crossed ``hop`` in ``component``."""

    def activity(self, component: str, action: str, count: int, op_kind: str) -> None:
        """``component`` did ``action`` ``count`` times for an op of ``op_kind``; its energy table prices it."""

    def commands(self, component: str, counts: Mapping[str, int]) -> None:
        """``component`` issued DRAM commands: name -> number, summed over its channels."""

    def issued(self, component: str, start_ps: int, end_ps: int, commands: CommandsWithin) -> None:
        """``component`` issued DRAM commands from ``start_ps`` to ``end_ps``; ``commands`` tells which and when."""

    def busy(self, component: str, start_ps: int, end_ps: int, what: str) -> None:
        """``component`` worked on ``what`` from ``start_ps`` to ``end_ps``."""

    def token_done(self, time_ps: int, index: int) -> None:
        """Token ``index`` of each sequence is out; 0 is the one that prefill gives."""

    def part_done(self, time_ps: int) -> None:
        """A part of a step that is simulated by itself ends; what follows may stand for another number of real ones."""


class Hooks:
    """What models call: each attribute passes its arguments on to the instruments that override that callback.

    The attributes have the signatures of `Instrument`'s callbacks. Instruments are called in the order given.
    """

    def __init__(self, instruments: Sequence[Instrument] = ()) -> None:
        self.run_started = _fan_out(Instrument.run_started, [i.run_started for i in instruments])
        self.op_started = _fan_out(Instrument.op_started, [i.op_started for i in instruments])
        self.op_finished = _fan_out(Instrument.op_finished, [i.op_finished for i in instruments])
        self.op_work = _fan_out(Instrument.op_work, [i.op_work for i in instruments])
        self.transfer = _fan_out(Instrument.transfer, [i.transfer for i in instruments])
        self.activity = _fan_out(Instrument.activity, [i.activity for i in instruments])
        self.commands = _fan_out(Instrument.commands, [i.commands for i in instruments])
        self.issued = _fan_out(Instrument.issued, [i.issued for i in instruments])
        self.busy = _fan_out(Instrument.busy, [i.busy for i in instruments])
        self.part_done = _fan_out(Instrument.part_done, [i.part_done for i in instruments])
        self.token_done = _fan_out(Instrument.token_done, [i.token_done for i in instruments])


def _fan_out(default: Callable[..., None], callbacks: Sequence[Callable[P, None]]) -> Callable[P, None]:
    """One call for all callbacks that are not ``default``."""
    wanted = [callback for callback in callbacks if getattr(callback, "__func__", None) is not default]
    if len(wanted) == 1:
        return wanted[0]

    def call(*args: P.args, **kwargs: P.kwargs) -> None:
        for callback in wanted:
            callback(*args, **kwargs)

    return call
