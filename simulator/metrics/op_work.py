"""Work: FLOPs and stored bytes of each op kind, for rooflines."""

from __future__ import annotations

from collections import defaultdict

from simulator.metrics.result import STAGES, OpKindWork
from simulator.metrics.stage import Stage, Tally, whole


class OpWork(Tally):
    """Adds up what the ops of each kind need, by stage: on all devices, each op as often as it is run."""

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        self._flops: dict[tuple[str, str], float] = defaultdict(int)
        self._bytes: dict[tuple[str, str], float] = defaultdict(int)

    def op_work(self, op_kind: str, flops: int, n_bytes: int) -> None:
        """An op of ``op_kind`` starts."""
        key = (self.stage.name, op_kind)
        self._flops[key] += flops * self.stage.count
        self._bytes[key] += n_bytes * self.stage.count

    def by_op_kind(self) -> dict[str, dict[str, OpKindWork]]:
        """Work by stage and op kind."""
        return {
            stage: {
                kind: OpKindWork(flops=whole(flops), bytes=whole(self._bytes[where, kind]))
                for (where, kind), flops in sorted(self._flops.items())
                if where == stage
            }
            for stage in STAGES
        }
