"""Software stack: what a framework adds to a processor's own time, and how well its kernels use it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from simulator.config.platform_schema import Calibration
from simulator.units.base import Component, NonNegative, PartSpec, Positive, unit_type
from simulator.workload.ops import OP_KINDS, SAMPLING, Op, VectorOp

Count = Annotated[int, Field(ge=0, le=10_000)]
Fraction01 = Annotated[float, Field(gt=0, le=1)]

DEFAULT = "default"
"""The key that stands for all op kinds (or widths) not named."""


class StackSpec(PartSpec):
    """A framework on a host.

    - ``kernel_host_ns``: host time to issue one kernel, by op kind or ``default``; none where ``graphs`` replays a
      step's kernels in one launch. ``kernel_gap_ns``: on the device, from one kernel's last result to the next one's
      first request.
    - ``step_host_ns``, ``sequence_host_ns``: of the host between two steps, for each step and each sequence.
      ``logit_ns``: of the processor, in further kernels for each logit that a token is chosen from.
    - ``kernels``: launches by op kind, 0 for an op fused into the kernel before it.
    - ``flash_attention``: scores stay on chip. ``shared_heads``: query heads that share a cached head read it once.
      ``split_context``: cached tokens that one block of a decode attention kernel takes; 0 for no split.
      ``attention_lane_ops``: of a decode attention kernel for each multiply-add; 0 where it uses the tensor pipes, in
      tiles of ``attention_rows`` of which only the query heads that share a cached head are of use; 0 for no more
      than one tensor instruction.
    - ``in_flight_bytes``: what one core keeps requested of the memory, by ``products_BITS`` (weight width), op kind or
      ``default``.
    - ``dequantise_ops``: lane operations to widen one weight, by width in bits. ``element_ops``, ``row_ops``: of a
      kernel for each element and row, by op kind; without them its floating-point operations.
    - ``math_efficiency``: share of the peak multiply-add rate in a kernel's main loop.
    - ``own_collectives``: protocols of the fabric that the framework brings beside the library's.
    """

    kind: Literal["stack"]
    graphs: bool
    kernel_host_ns: dict[str, NonNegative]
    kernel_gap_ns: NonNegative
    step_host_ns: NonNegative
    sequence_host_ns: NonNegative
    logit_ns: NonNegative
    kernels: dict[str, Count]
    flash_attention: bool
    shared_heads: bool
    split_context: Count
    attention_lane_ops: NonNegative
    attention_rows: Count = 0
    in_flight_bytes: dict[str, Positive]
    dequantise_ops: dict[str, NonNegative] = Field(default_factory=dict)
    element_ops: dict[str, NonNegative] = Field(default_factory=dict)
    row_ops: dict[str, NonNegative] = Field(default_factory=dict)
    calibrations: tuple[Calibration, ...] = ()
    math_efficiency: Fraction01
    own_collectives: tuple[str, ...] = ()


def _by_kind(table: Mapping[str, float], kind: str, default: float) -> float:
    """What ``table`` says of an op kind, or of one like it."""
    like = OP_KINDS.get(kind).like if kind in OP_KINDS else None
    return table.get(kind, table.get(like or "", default))


@unit_type("stack", StackSpec)
class Stack(Component):
    """The parameters of a software stack; the processors that name it apply them."""

    spec: StackSpec

    def kernels(self, kind: str) -> int:
        """Kernel launches that an op of ``kind`` takes: those named, none for an epilogue, those of a kind like it."""
        table = self.spec.kernels
        if kind in table or kind not in OP_KINDS:
            return table.get(kind, table.get(DEFAULT, 1))
        known = OP_KINDS.get(kind)
        return 0 if known.epilogue else table.get(known.like or "", table.get(DEFAULT, 1))

    def issue_ps(self, kind: str) -> int:
        """Host time for the kernels of an op of ``kind``."""
        if self.spec.graphs:
            return 0
        each = _by_kind(self.spec.kernel_host_ns, kind, self.spec.kernel_host_ns.get(DEFAULT, 0))
        return round(1000 * each * self.kernels(kind))

    def step_ps(self, sequences: int) -> int:
        """Host time from the last kernel of a step to the first of the next."""
        return round(1000 * (self.spec.step_host_ns + sequences * self.spec.sequence_host_ns))

    def choice_ps(self, logits: int) -> int:
        """Time of the kernels that choose tokens from ``logits`` of all sequences, beside their arithmetic."""
        return round(1000 * logits * self.spec.logit_ns)

    def gaps_ps(self, kind: str) -> int:
        """Time on the device between the kernels of an op of ``kind`` and the one before."""
        return round(1000 * self.spec.kernel_gap_ns * self.kernels(kind))

    def between_ps(self, op: Op) -> int:
        """Host time from the last kernel of a step to the first of the next, which counts with the op that samples."""
        return self.step_ps(op.rows) if op.kind == SAMPLING.name and isinstance(op, VectorOp) else 0

    def lane_ops(self, op: Op, elements: int, rows: int) -> float:
        """Lane operations of an op that is no product."""
        each = self.spec.element_ops.get(op.kind)
        per_element = each * elements if each is not None else float(max(op.flops, elements))
        return per_element + rows * _by_kind(self.spec.row_ops, op.kind, 0.0)

    def in_flight(self, *keys: str) -> float | None:
        """Bytes one core keeps requested, by the first key that is there; None where nothing limits them."""
        table = self.spec.in_flight_bytes
        return next((table[key] for key in (*keys, DEFAULT) if key in table), None)

    def dequantise_ops(self, bits: float) -> float:
        """Lane operations to widen one weight of ``bits`` bits; those of the nearest narrower width listed."""
        known = sorted((float(width), ops) for width, ops in self.spec.dequantise_ops.items())
        fitting = [ops for width, ops in known if width <= bits]
        return fitting[-1] if fitting else known[0][1] if known else 0.0

    def assumptions(self) -> tuple[str, ...]:
        """What is left out."""
        return (f"{self.name}: kernels of one step run one after the other, without overlap of neighbours",)
