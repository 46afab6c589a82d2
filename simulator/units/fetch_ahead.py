"""Weights on their way before their product starts: they depend on no other op, so a buffer can fill with them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from simulator.units.base import Process
from simulator.units.storage import Storage
from simulator.units.wave_pace import Fetch
from simulator.workload.ops import MatrixOp, Op

WAVES_AT_ONCE = 8
"""Waves that are asked for at once; what else needs the memory meanwhile comes after them."""


@dataclass(frozen=True)
class Ahead:
    """The first ``n_bytes`` of a product's weights, in the buffer or on their way, by ``fetches``."""

    n_bytes: int
    fetches: tuple[Fetch, ...]

    @property
    def waves(self) -> int:
        """Waves fetched so far."""
        return sum(fetch.waves for fetch in self.fetches)


NOTHING = Ahead(0, ())


class FetchAhead:
    """Fetches the first ``most_waves`` waves of the next weights of a step, some at a time, until their product starts.

    ``waves_of``: waves of a product in all.
    """

    def __init__(self, memory: Storage, most_waves: int, waves_of: Callable[[Op], int]) -> None:
        self._memory = memory
        self._most_waves = most_waves
        self._waves_of = waves_of
        self._coming: dict[str, Op] = {}
        self._op = ""
        """The product that ``_ahead`` is of; empty for none."""
        self._ahead = NOTHING

    def expect(self, ops: Sequence[Op]) -> None:
        """A step of ``ops`` begins."""
        self._coming = {op.name: op for op in ops}
        self._op, self._ahead = "", NOTHING

    def start(self, op: Op) -> Ahead:
        """``op`` starts; what was fetched for it."""
        self._coming.pop(op.name, None)
        if op.name != self._op:
            return NOTHING
        ahead, self._op, self._ahead = self._ahead, "", NOTHING
        return ahead

    def fetch(self) -> None:
        """Start on the next weights, unless some lie in the buffer already."""
        op = next((op for op in self._coming.values() if isinstance(op, MatrixOp)), None)
        if op is None or self._op or not self._most_waves:
            return
        self._op = op.name
        env = self._memory.around.env
        env.process(self._fetching(op))

    def _fetching(self, op: Op) -> Process:
        env, engine = self._memory.around.env, self._memory.engine
        most = min(self._most_waves, self._waves_of(op))
        while self._op == op.name and self._ahead.waves < most:
            waves = min(WAVES_AT_ONCE, most - self._ahead.waves)
            n_bytes = self._bytes(op, self._ahead.waves + waves) - self._ahead.n_bytes
            if not n_bytes:
                return
            start, stream = self._memory.look_up(n_bytes)
            fetch = Fetch(engine.to_ps(start), stream, waves)
            self._memory.book(start, stream, fetch.last_ps(engine), op)
            self._ahead = Ahead(self._ahead.n_bytes + n_bytes, (*self._ahead.fetches, fetch))
            yield env.timeout(fetch.last_ps(engine) - env.now_ps)

    def _bytes(self, op: Op, waves: int) -> int:
        """Bytes of the first ``waves`` waves, in whole rounds over the channels."""
        of = self._waves_of(op)
        if waves == of:
            return op.weight_bytes
        round_bytes = self._memory.round_bytes
        return op.weight_bytes * waves // of // round_bytes * round_bytes
