"""CPU: cores with SIMD pipes, of which each can miss only so many cache lines at a time."""

from __future__ import annotations

from math import ceil
from typing import Literal

from simulator.errors import ConfigError
from simulator.units import limits
from simulator.units.base import PositiveInt, Surroundings, unit_type
from simulator.units.processors.demand import Arithmetic
from simulator.units.processors.description import ProcessorSpec
from simulator.units.processors.numa import Numa
from simulator.units.processors.processor import Processor
from simulator.units.processors.shapes import Product, product_of
from simulator.workload.ops import AttentionOp, Op, ProductOp


class CpuSpec(ProcessorSpec):
    """``threads`` of the ``cores`` run, one to a core; ``lanes`` are one core's 32-bit SIMD operations a clock.

    ``macs_per_clock``: of one core's SIMD dot products, or of a matrix extension such as AMX.
    ``line_misses`` of ``line_bytes`` are what one core can have on their way from the memory. ``numa``: of several
    sockets, of which ``cores``, ``threads``, the cache and the memory's channels are all together.
    """

    kind: Literal["cpu"]
    threads: PositiveInt
    line_misses: PositiveInt
    line_bytes: PositiveInt
    numa: Numa | None = None


NARROW_BITS = 8

LOOKUP_WEIGHTS = 4
"""Weights of one bit each that one table look-up stands for (T-MAC, EuroSys 2025: g = 4)."""

LOOKUP_OPS = 0.75
"""Operations of a 32-bit lane for a look-up: four 8-bit look-ups or two 16-bit additions take one."""


@unit_type("cpu", CpuSpec)
class Cpu(Processor):
    """Products row by row over the threads.

    Weights of less than 8 bits cost a stack's ``dequantise_ops`` for each weight and moving vector, multiply-add or
    table look-up included, as CPU kernels unpack them anew for each vector; where the workload asks for look-up tables,
    each bit of four weights is one look-up of a byte and one addition of 16 bits.
    """

    looks_up = True
    spec: CpuSpec

    def __init__(self, name: str, spec: CpuSpec, around: Surroundings) -> None:
        super().__init__(name, spec, around)
        if spec.threads > spec.cores:
            raise ConfigError(f"{spec.threads} threads on {spec.cores} cores", key=f"components.{name}.threads")

    @property
    def workers(self) -> int:
        """The threads."""
        return self.spec.threads

    def product(self, op: ProductOp) -> Arithmetic:
        """As `Processor.product`. A matrix's rows, or an attention's cached heads, go to threads whole."""
        product = product_of(op)
        rows = product.matrices * product.n
        items, each = (product.matrices, product.n) if isinstance(op, AttentionOp) else (rows, 1)
        workers = min(self.spec.threads, items)
        share = -(-items // workers) * each * product.k
        each_clocks = 1 / self.mac_rate(op, product)
        bits = product.value_bits or product.stored_bits
        if bits < NARROW_BITS:
            each_clocks = self._narrow_clocks(op, product, bits)
        vectors = product.rows / product.matrices
        clocks = share * vectors * (product.useful * each_clocks + self._unpack_clocks(op, product))
        stored = op.weight_bytes + op.kv_read_bytes
        mapping = {"threads": workers, "items_per_thread": -(-items // workers)}
        return Arithmetic(self.clocks_ps(clocks), stored, workers, op.flops // 2, stored, mapping=mapping)

    @property
    def latency_ns(self) -> float:
        """As `Processor.latency_ns`, with what comes from other sockets."""
        return self.spec.memory_latency_ns + (self.spec.numa.latency_ns if self.spec.numa else 0.0)

    def paces_ps(self, op: Op, n_bytes: int, workers: int, alone_ps: int) -> dict[str, int]:
        """As `Processor.paces_ps`, and the sockets."""
        paces = super().paces_ps(op, n_bytes, workers, alone_ps)
        numa = self.spec.numa
        return paces | {limits.SOCKETS: numa.least_ps(n_bytes, alone_ps)} if numa else paces

    def assumptions(self) -> tuple[str, ...]:
        """As `Processor.assumptions`, and what the sockets leave out."""
        numa = (f"{self.name}: writes, and activations between sockets, take no time on their links",)
        return (*super().assumptions(), *(numa if self.spec.numa else ()))

    def _narrow_clocks(self, op: ProductOp, product: Product, bits: float) -> float:
        """Clocks of a stored element: looked up, or unpacked and multiplied."""
        if op.encoding is not None and op.encoding.lookup:
            return ceil(bits) / LOOKUP_WEIGHTS * LOOKUP_OPS / self.spec.lanes * product.kept
        fastest = max(self.spec.macs_per_clock.values())
        return max(self.stack.dequantise_ops(bits) / self.spec.lanes, 1 / fastest) * product.kept

    def _unpack_clocks(self, op: ProductOp, product: Product) -> float:
        """Clocks to put the kept weights in their places, for each element of the matrix and each vector."""
        return (
            self.unpack_ops(op) / (product.matrices * product.n * product.k) / self.spec.lanes if op.encoding else 0.0
        )

    def in_flight_bytes(self, op: Op) -> float | None:
        """The lines that a core can miss at a time."""
        del op
        return float(self.spec.line_misses * self.spec.line_bytes)
