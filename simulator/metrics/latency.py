"""Latency: when each token was done, and which op kind the time went to."""

from __future__ import annotations

from collections import defaultdict

from simulator.errors import ConservationError
from simulator.metrics.result import STAGES, WAITING
from simulator.metrics.stage import Stage, Tally


class TokenTimes(Tally):
    """Time of each stage: from the end of one token to the end of the next."""

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        self._last_ps = 0
        self.steps: dict[str, float] = defaultdict(int)
        """Weighted number of tokens (of one sequence) by stage."""
        self._ps: dict[str, float] = defaultdict(int)

    def token_done(self, time_ps: int, index: int) -> None:
        """Token ``index`` (0 is the one that prefill gives) is out at ``time_ps``."""
        if time_ps < self._last_ps:
            raise ConservationError(f"token {index} is done at {time_ps} ps, before the one it follows")
        self.part_done(time_ps)
        self.steps[self.stage.name] += self.stage.tokens

    def part_done(self, time_ps: int) -> None:
        """Time up to here belongs to the part that ends."""
        self._ps[self.stage.name] += (time_ps - self._last_ps) * self.stage.time
        self._last_ps = time_ps

    def stage_ps(self) -> dict[str, float]:
        """Time of each stage in ps."""
        return {stage: self._ps[stage] for stage in STAGES}


class OpKindTimes(Tally):
    """Shares out wall-clock time to the op kinds that run: the shares sum to the time.

    While n ops run at once each gets 1/n of the time (whole ps; what is left over goes to those that started first).
    Time in which no op runs is ``waiting``.
    """

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        self._running: dict[str, str] = {}
        self._now_ps = 0
        self._ps: dict[str, dict[str, float]] = {name: defaultdict(int) for name in STAGES}

    def op_started(self, time_ps: int, op_name: str, op_kind: str, unit: str) -> None:
        """``op_name`` starts on ``unit``."""
        del unit
        self._advance(time_ps)
        self._running[op_name] = op_kind

    def op_finished(self, time_ps: int, op_name: str, op_kind: str, unit: str) -> None:
        """``op_name`` ends on ``unit``."""
        del op_kind, unit
        self._advance(time_ps)
        del self._running[op_name]

    def token_done(self, time_ps: int, index: int) -> None:
        """Time up to here belongs to the stage that ends."""
        del index
        self._advance(time_ps)

    def part_done(self, time_ps: int) -> None:
        """Time up to here belongs to the part that ends."""
        self._advance(time_ps)

    def _advance(self, time_ps: int) -> None:
        elapsed_ps = time_ps - self._now_ps
        if not elapsed_ps:
            return
        if elapsed_ps < 0:
            raise ConservationError(f"an op was reported at {time_ps} ps after one at {self._now_ps} ps")
        self._now_ps = time_ps
        kinds = tuple(self._running.values()) or (WAITING,)
        share, rest = divmod(elapsed_ps, len(kinds))
        ps = self._ps[self.stage.name]
        for position, kind in enumerate(kinds):
            ps[kind] += (share + (position < rest)) * self.stage.time

    def by_kind_ps(self) -> dict[str, dict[str, float]]:
        """Time by stage and op kind, in ps."""
        return {stage: {kind: ps[kind] for kind in sorted(ps)} for stage, ps in self._ps.items()}
