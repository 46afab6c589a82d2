"""A plug-in: a vector unit that takes a fixed time for each op, as an outsider would write it."""

from typing import Literal

from simulator.units.base import NonNegative, OpUnit, PartSpec, Process, unit_type
from simulator.workload.ops import Op


class SlowVectorSpec(PartSpec):
    """``op_ns`` for every op."""

    kind: Literal["slow_vector"]
    op_ns: NonNegative


@unit_type("slow_vector", SlowVectorSpec)
class SlowVector(OpUnit):
    """Runs element-wise ops, each in the same time."""

    kinds = frozenset({"rmsnorm", "softmax"})
    spec: SlowVectorSpec

    def execute(self, op: Op) -> Process:
        """Wait."""
        env = self.around.env
        start_ps = env.now_ps
        yield env.timeout(round(1000 * self.spec.op_ns))
        self.around.hooks.busy(self.name, start_ps, env.now_ps, op.name)
        self.around.limits.add(op.kind, {"patience": env.now_ps - start_ps})
