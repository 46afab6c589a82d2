"""Time and energy of attention on AttAcc devices: cycles of programs on one stack, the rest as AttAcc computes it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from math import ceil

from simulator.config.compat_schema import AttaccArtifact
from simulator.config.dram_schema import Dram
from simulator.dram.engines import device_engine
from simulator.mapping.attacc.attention import SOFTMAX_ELEMENTS, Heads, attention_program
from simulator.mapping.attacc.levels import TO_BUFFER, TO_SOFTMAX, WRITE_BUFFER, gemv_array
from simulator.system.attacc_artifact.layers import Layer
from simulator.system.attacc_artifact.roofline import GB, NS, PJ, Cost

COLUMN_BYTES = 32
COLUMNS = {"bank": 64, "bankgroup": 16, "buffer": 1}
"""That AttAcc counts for a MAC; at the buffer it forgets the second pseudo-channel."""

COLUMNS_OF_CACHED = {**COLUMNS, "buffer": 2}
"""That it counts when it has the cycles from an earlier run."""


@dataclass(frozen=True)
class Run:
    """Cycles of one stack, and its commands."""

    cycles: int
    commands: dict[str, int]


class Units:
    """AttAcc devices beside the GPUs, at the level that the artifact names."""

    def __init__(self, artifact: AttaccArtifact, head_dim: int, element_bytes: int) -> None:
        assert artifact.level != "none"
        self._artifact = artifact
        self._head_dim = head_dim
        self._element_bytes = element_bytes
        self._dram = limited_dram(artifact)
        self._device = device_engine(self._dram, "compiled")
        self._array = gemv_array(self._dram, artifact.pim.channels, artifact.level, element_bytes)
        self._runs: dict[tuple[int, ...], Run] = {}

    def run(self, heads: int, context: int) -> Run:
        """Attention of ``heads`` heads on one stack; contexts that take the same program share a run."""
        key = (heads, self._array.tokens(context), ceil(context / SOFTMAX_ELEMENTS))
        found = self._runs.get(key)
        if found is None:
            run = self._device.run_program(
                attention_program(self._dram, self._array, Heads(heads, 1, self._head_dim, context))
            )
            found = self._runs[key] = Run(run.end_tick, dict(run.commands))
        return found

    def attention(self, layer: Layer) -> tuple[Cost, Counter[str]]:
        """Scores, softmax and context of a device's heads; the energy of their MACs is that of the scores alone."""
        artifact, pim, energy = self._artifact, self._artifact.pim, self._artifact.energy
        run = self.run(ceil(layer.count / pim.stacks), layer.n)
        n = Counter(run.commands)
        moved = (n[WRITE_BUFFER] + n[TO_SOFTMAX] + n[TO_BUFFER]) * COLUMN_BYTES * pim.stacks
        sent = n[WRITE_BUFFER] * COLUMN_BYTES * pim.stacks
        columns = (COLUMNS_OF_CACHED if artifact.cached else COLUMNS)[artifact.level]
        cells = n[self._array.mac] * COLUMN_BYTES * columns * pim.stacks
        paths = energy.tsv_pj + energy.global_io_pj + energy.bank_group_pj
        prices = {
            "dram_array": cells * energy.cells_pj_per_byte[artifact.level],
            "dram_io": sent * energy.interposer_pj + moved * paths,
            "compute": layer.flops / 2 * energy.mac_pj,
        }
        cost = Cost(run.cycles * pim.clock_ns * NS, {name: pj * pim.devices * PJ for name, pj in prices.items()})
        return cost, Counter({name: count * pim.stacks * pim.devices for name, count in n.items()})

    def softmax(self, layer: Layer) -> Cost:
        """Whatever takes longer in a unit with the rate of the pins."""
        pim, energy = self._artifact.pim, self._artifact.energy
        rate, n_bytes = pim.stack_gb_s * pim.stacks * GB, layer.elements * self._element_bytes
        prices = {
            "sram": n_bytes * energy.softmax_sram_pj_per_byte,
            "compute": layer.flops / 2 * energy.mac_pj,
        }
        time_s = max(layer.flops / (rate * (2 // self._element_bytes)), n_bytes / rate)
        return Cost(time_s, {name: pj * pim.devices * PJ for name, pj in prices.items()})

    def transfer(self, layer: Layer) -> Cost:
        """Between a GPU and its device."""
        pim = self._artifact.pim
        n_bytes = layer.m * layer.n * layer.count * self._element_bytes
        energy_j = n_bytes * self._artifact.energy.link_pj_per_byte * pim.devices * PJ
        return Cost(n_bytes / (pim.link_gb_s * GB / 2), {"link": energy_j})


def limited_dram(artifact: AttaccArtifact) -> Dram:
    """The memory's standard, with MACs closer together where there is no power limit."""
    if artifact.power_limit:
        return artifact.dram
    gap = artifact.pim.unlimited_gap
    timings = {**artifact.dram.timings, "nCCDAB": gap, "nCCDSB": gap}
    return artifact.dram.model_copy(update={"timings": timings})
