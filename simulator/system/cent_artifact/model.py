"""The artifact's evaluation of one system: points by context, and the means over them that it publishes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from simulator.config.compat_schema import CentArtifact
from simulator.config.platform_schema import Platform
from simulator.errors import MappingError
from simulator.mapping.cent.layout import CHANNELS, BlockShape, Placing, block_shape, up
from simulator.system.cent_artifact import latency
from simulator.system.cent_artifact.energy import Work, energy_mj
from simulator.system.cent_artifact.runs import Counts, Programs
from simulator.workload.model import Model


@dataclass(frozen=True)
class Point:
    """One context, with as many queries in flight as ``stages``.

    Times in ms, of a block and of a token; energy of a token in mJ by part; power in W.
    """

    context: int
    blocks: int
    stages: int
    program_ms: float
    cxl_ms: float
    accelerator_ms: float
    token_ms: float
    tokens_per_s: float
    energy_mj: dict[str, float]
    power_w: float
    commands: dict[str, float]

    @property
    def total_mj(self) -> float:
        """Energy of a token."""
        return sum(self.energy_mj.values())


@dataclass(frozen=True)
class Deployment:
    """How the artifact spreads a model of ``layers`` blocks: ``stages`` queries in flight.

    ``in_step``: blocks of a device that run one program together, and whose accelerator times it adds up.
    """

    placing: Placing
    devices: int
    layers: int
    stages: int
    in_step: int

    @property
    def pipelined(self) -> bool:
        """Whether blocks are stages on their shares of a device's channels."""
        return self.placing.fc_devices == 1 and self.stages == self.layers

    @property
    def per_token(self) -> int:
        """How often the energy of a program, on all devices that share it, counts for a token."""
        return up(self.layers, self.in_step)

    @property
    def at_once(self) -> int:
        """How many groups of devices run such a program at the same time."""
        return self.per_token if self.pipelined else self.stages


def deployment(platform: Platform, layers: int) -> Deployment:
    """The artifact's terms for the platform's parallelism. Raises MappingError for what it does not have."""
    wanted, devices = platform.parallelism, platform.devices.count
    for key in ("data", "sequence", "expert"):
        if getattr(wanted, key) > 1:
            raise MappingError(f"compat.cent: the artifact has no {key} parallelism (allowed: parallelism.{key}: 1)")
    if wanted.stage == "block":
        if wanted.tensor > 1:
            raise MappingError("compat.cent: the artifact has no tensor parallelism between blocks of a device")
        blocks = up(layers, devices)
        return Deployment(Placing(CHANNELS // blocks), devices, layers, layers, blocks)
    return Deployment(Placing(CHANNELS, wanted.tensor), devices, layers, devices // wanted.tensor, 1)


class Evaluation:
    """All points of one model on one deployment."""

    def __init__(self, artifact: CentArtifact, spread: Deployment, model: Model) -> None:
        self._artifact = artifact
        self._spread = spread
        self._shape: BlockShape = block_shape(model)
        self._programs = Programs(artifact.dram, self._shape, spread.placing)
        self._ends_ms = latency.program_ms(self._programs.ends(model.vocab_size).ticks, artifact)
        self._products = self._programs.products() if spread.placing.fc_devices > 1 else None

    def point(self, context: int) -> Point:
        """One context."""
        artifact, spread = self._artifact, self._spread
        counts = self._programs.block(context)
        program_ms = latency.program_ms(counts.ticks, artifact)
        accelerator_ms = spread.in_step * latency.accelerators_ms(
            artifact.accelerators, self._shape, context, artifact.clock_mhz
        )
        cxl_ms = self._cxl_ms()
        token_ms = (program_ms + cxl_ms + accelerator_ms) * spread.layers + self._ends_ms + artifact.sampling_ms
        energy, commands = self._group(counts, context)
        return Point(
            context=context,
            blocks=spread.layers,
            stages=spread.stages,
            program_ms=program_ms,
            cxl_ms=cxl_ms,
            accelerator_ms=accelerator_ms,
            token_ms=token_ms,
            tokens_per_s=1000 / token_ms * spread.stages,
            energy_mj={part: mj * spread.per_token for part, mj in energy.items()},
            power_w=sum(energy.values()) * spread.at_once / program_ms,
            commands={name: count * spread.per_token for name, count in commands.items()},
        )

    def _cxl_ms(self) -> float:
        link, spread, shape = self._artifact.link, self._spread, self._shape
        if spread.pipelined:
            return latency.vector_ms(link, shape.d_model, spread.devices)
        return latency.products_ms(link, shape, spread.placing.fc_devices, spread.devices)

    def _group(self, counts: Counts, context: int) -> tuple[dict[str, float], dict[str, float]]:
        """Energy and commands of all devices that share a block."""
        shape, spread = self._shape, self._spread
        elements = shape.d_model if spread.pipelined else 10 * shape.d_model + 2 * shape.d_ff
        work = Work(shape, context, elements)
        energy = energy_mj(self._artifact, counts, work)
        commands: dict[str, float] = dict(counts.commands)
        if self._products is not None:
            others = spread.placing.fc_devices - 1
            for part, mj in energy_mj(self._artifact, self._products, work).items():
                energy[part] += mj * others
            for name, count in self._products.commands.items():
                commands[name] = commands.get(name, 0) + count * others
        return energy, commands


def contexts(step: int, first: int, last: int) -> list[int]:
    """The multiples of ``step`` above ``first`` and up to ``last``; ``last`` alone if there is none."""
    return [n for n in range(step, last + 1, step) if n > first] or [last]


def mean(values: Iterable[float]) -> float:
    """The plain mean, which the artifact takes of times and of rates alike."""
    taken: Sequence[float] = list(values)
    return sum(taken) / len(taken)
