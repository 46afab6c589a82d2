"""A plug-in: a softmax unit with a table of exponentials, a placement that uses it, and a metric of its own."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Literal

from simulator.hooks import Instrument
from simulator.mapping.placement import Options, near_bank_first, placements
from simulator.units.base import NonNegative, OpUnit, PartSpec, Positive, PositiveInt, Process, cycles_ps, unit_type
from simulator.workload.ops import Op

LOOK_UP = "look_up"


class SoftmaxUnitSpec(PartSpec):
    """``lanes`` look-ups a cycle at ``clock_mhz``, each of ``pj_per_look_up``; ``static_w`` always flows."""

    kind: Literal["softmax_unit"]
    clock_mhz: Positive
    lanes: PositiveInt
    pj_per_look_up: NonNegative
    static_w: NonNegative


@unit_type("softmax_unit", SoftmaxUnitSpec)
class SoftmaxUnit(OpUnit):
    """Takes one look-up for each FLOP of a softmax."""

    kinds = frozenset({"softmax"})
    spec: SoftmaxUnitSpec

    def execute(self, op: Op) -> Process:
        """Wait for the lanes, and tell what was done."""
        start_ps = self.around.env.now_ps
        took_ps = cycles_ps(-(-op.flops // self.spec.lanes), self.spec.clock_mhz)
        yield self.around.env.timeout(took_ps)
        hooks = self.around.hooks
        hooks.busy(self.name, start_ps, start_ps + took_ps, op.name)
        hooks.activity(self.name, LOOK_UP, op.flops, op.kind)
        self.around.limits.add(op.kind, {"look-up table": took_ps})

    def energy_table(self) -> Mapping[str, Mapping[str, float]]:
        """A look-up is a read of a small SRAM."""
        return {LOOK_UP: {"sram": self.spec.pj_per_look_up}}

    def static_power_w(self) -> Mapping[str, float]:
        """Leakage."""
        return {"static": self.spec.static_w}

    def assumptions(self) -> tuple[str, ...]:
        """What the model leaves out."""
        return (f"{self.name}: the table of exponentials is loaded before the run",)


@placements.register("softmax_apart")
def softmax_apart(kind: str, options: Options) -> tuple[str, ...]:
    """Softmax on its own unit, everything else as `near_bank_first`."""
    return ("softmax_unit",) if kind == "softmax" else near_bank_first(kind, options)


class LongestOps(Instrument):
    """A metric: the longest time that an op of each kind took, in ps."""

    def __init__(self) -> None:
        self.longest_ps: dict[str, int] = defaultdict(int)
        self._started: dict[str, int] = {}

    def op_started(self, time_ps: int, op_name: str, op_kind: str, unit: str) -> None:
        """Remember when."""
        self._started[op_name] = time_ps

    def op_finished(self, time_ps: int, op_name: str, op_kind: str, unit: str) -> None:
        """Compare with the longest so far."""
        took_ps = time_ps - self._started.pop(op_name)
        self.longest_ps[op_kind] = max(self.longest_ps[op_kind], took_ps)
