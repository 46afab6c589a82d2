"""FPGA: engines of DSP multipliers in the fabric, each on a memory port of fixed width."""

from __future__ import annotations

from typing import Literal

from simulator.units.base import NonNegative, Positive, PositiveInt, unit_type
from simulator.units.processors.demand import Arithmetic
from simulator.units.processors.description import ProcessorSpec
from simulator.units.processors.processor import Processor
from simulator.units.processors.shapes import product_of
from simulator.workload.ops import Op, ProductOp


class FpgaSpec(ProcessorSpec):
    """``cores`` are engines; ``cache_bytes`` is the BRAM and URAM that holds activations.

    ``pipeline_clocks``: from the first operand of an op
    to its first result. ``port_bytes_per_clock`` of each engine's memory port, with ``port_outstanding_bytes`` on
    their way.
    """

    kind: Literal["fpga"]
    pipeline_clocks: NonNegative
    port_bytes_per_clock: Positive
    port_outstanding_bytes: PositiveInt


@unit_type("fpga", FpgaSpec)
class Fpga(Processor):
    """Products and vectors pass through fixed pipelines, one element group a clock."""

    spec: FpgaSpec

    def product(self, op: ProductOp) -> Arithmetic:
        """As `Processor.product`: the stored operand passes all engines once for each moving vector."""
        product, spec = product_of(op), self.spec
        rate = spec.cores * self.mac_rate(op, product)
        clocks = spec.pipeline_clocks + product.useful * product.rows * product.n * product.k / rate
        read = op.weight_bytes + op.kv_read_bytes
        ports = read / (spec.cores * spec.port_bytes_per_clock)
        mapping = {"engines": spec.cores, "passes": product.m}
        return Arithmetic(self.clocks_ps(max(clocks, ports)), read, spec.cores, op.flops // 2, read, mapping=mapping)

    def in_flight_bytes(self, op: Op) -> float | None:
        """What one port has outstanding."""
        del op
        return float(self.spec.port_outstanding_bytes)
