"""Vault matrix unit: systolic arrays on a logic die, each of which works on the channels of its own vault."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from typing import Literal

from simulator.errors import ConfigError
from simulator.units import hops
from simulator.units.base import Component, PositiveInt, peer, unit_type
from simulator.units.dram_stream import StreamShape, StreamWork
from simulator.units.matrix import Matrix, MatrixSpec, Tiling, tiling_of
from simulator.units.memory import Memory
from simulator.workload.ops import Op


class VaultMatrixSpec(MatrixSpec):
    """As `MatrixSpec`; the ``arrays`` and the channels of the memory are shared out equally to ``vaults`` vaults."""

    kind: Literal["vault_matrix"]  # type: ignore[assignment]
    dataflow: Literal["weight_stationary"] = "weight_stationary"
    vaults: PositiveInt


@dataclass(frozen=True)
class VaultShape(StreamShape):
    """A stream of which each vault has whole ``strips``: some one more than others, bursts even over its channels."""

    vaults: int
    strips: int

    def classes(self, burst: int) -> list[tuple[int, int]]:
        """(bursts of ``burst`` bytes, channels with so many), the busiest first."""
        channels = self.channels // self.vaults
        each, more = divmod(self.strips, self.vaults)
        found = []
        for strips, vaults in ((each + 1, more), (each, self.vaults - more)):
            n_bytes = -(-self.n_bytes * strips // self.strips)
            low, rest = divmod(-(-n_bytes // burst), channels)
            found += [(low + 1, rest * vaults), (low, (channels - rest) * vaults)]
        return sorted(((n, count) for n, count in found if n and count), reverse=True)


@unit_type("vault_matrix", VaultMatrixSpec)
class VaultMatrix(Matrix):
    """A matrix unit whose stationary operands lie in strips of ``cols`` outputs, each with all its inputs in one vault.

    So no partial sum leaves its vault, and the vault with most strips sets the pace.
    """

    spec: VaultMatrixSpec
    memory: Memory

    def connect(self, components: Mapping[str, Component]) -> None:
        """As `Matrix`. Raises ConfigError where arrays or channels cannot be shared out equally."""
        super().connect(components)
        self.memory = peer(self, components, "memory", self.spec.memory, Memory)
        for what, count in (("arrays", self.spec.arrays), ("channels", self.memory.spec.channels)):
            if count % self.spec.vaults:
                raise ConfigError(
                    f"{self.spec.vaults} vaults cannot have equal shares of {count} {what}",
                    key=f"components.{self.name}.vaults",
                )

    @property
    def waves_ahead(self) -> int:
        """None: which vault has how many of the first waves would have to be followed."""
        return 0

    def tiling(self, op: Op) -> Tiling:
        """The waves of the vault with most strips."""
        product = self.cells.product(op)
        rate = self.cells.rate(op, product)
        deep = ceil(product.k / (self.spec.rows * rate.macs_per_cell))
        most = -(-self.strips(op) // self.spec.vaults)
        waves = -(-most * deep // (self.spec.arrays // self.spec.vaults))
        # A tile takes as long as it shifts in, however few vectors meet it.
        shifted = sum(max(self.spec.rows, m * rate.beat_cycles) * matrices for m, matrices in product.loads)
        beats = -(-shifted // product.matrices) if product.loads else product.m * rate.beat_cycles
        return tiling_of([self.cells.array.one_after_the_other(waves, beats)], waves)

    def strips(self, op: Op) -> int:
        """Strips of outputs of an op, of all its matrices."""
        product = self.cells.product(op)
        return product.matrices * -(-product.n // self.spec.cols)

    def look_up(self, op: Op, n_bytes: int) -> tuple[int, StreamWork]:
        """(first tick, stream) of the stationary operand, each vault's from its own channels."""
        return self.memory.look_up_shape(self._shape(op, n_bytes))

    def _shape(self, op: Op, n_bytes: int) -> VaultShape:
        memory = self.memory.spec
        burst = memory.dram.organization.burst_bytes
        return VaultShape(n_bytes, memory.channels, burst, write=False, vaults=self.spec.vaults, strips=self.strips(op))

    def array_bytes(self, op: Op) -> Mapping[tuple[str, str], int]:
        """Whole bursts of each vault's share."""
        burst = self.memory.spec.dram.organization.burst_bytes
        classes = self._shape(op, op.weight_bytes + op.kv_read_bytes).classes(burst)
        return {(self.memory.name, hops.CELLS_TO_IO): burst * sum(n * count for n, count in classes)}

    def assumptions(self) -> tuple[str, ...]:
        """What the schedule leaves out, and how data lies in the vaults."""
        return (
            f"{self.name}: an op's weights are requested when the op starts, not during the op before it",
            f"{self.name}: vectors and partial sums between buffer and arrays cost no energy",
            f"{self.name}: causal prefill computes whole tiles; only the multiply-adds that count cost energy",
            f"{self.name}: weights and cache lie in strips of {self.spec.cols} outputs, dealt out to the vaults",
            f"{self.name}: every vault has all its inputs before an op starts",
        )
