"""Host: starts ops, and samples the next token."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from simulator.units import limits
from simulator.units.base import NonNegative, OpUnit, PartSpec, Process, unit_type
from simulator.workload.ops import Op


class HostSpec(PartSpec):
    """``op_overhead_ns``: for each op it runs; ``sampling_ns``: from the logits of one sequence to its next token."""

    kind: Literal["host"]
    op_overhead_ns: NonNegative
    sampling_ns: NonNegative
    static_power_w: NonNegative


@unit_type("host", HostSpec)
class Host(OpUnit):
    """Runs sampling, once for all sequences of the batch, which its cores do side by side."""

    kinds = frozenset({"sampling"})
    shared = True
    side_by_side = True
    spec: HostSpec

    def execute(self, op: Op) -> Process:
        """Overhead, then sampling."""
        env = self.around.env
        start_ps = env.now_ps
        time_ps = round(1000 * (self.spec.op_overhead_ns + self.spec.sampling_ns))
        yield env.timeout(time_ps)
        self.around.hooks.busy(self.name, start_ps, env.now_ps, op.name)
        self.around.limits.add(op.kind, {limits.HOST: time_ps})

    def static_power_w(self) -> Mapping[str, float]:
        """Power of the host's share that serves this device."""
        return {"host": self.spec.static_power_w}

    def assumptions(self) -> tuple[str, ...]:
        """How a batch is sampled."""
        return (f"{self.name}: all sequences of a batch are sampled side by side, at the cost of one",)
