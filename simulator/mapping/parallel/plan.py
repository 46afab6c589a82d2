"""How many devices, stages and sequences work together.

A pipeline of S stages keeps up to S microbatches in flight. Stages of one device that work at the same time do so in
step (`Sharing` of the units): equal stages are then equal in time, and one device stands for all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeVar

from simulator.config.platform_schema import Platform
from simulator.errors import MappingError

T = TypeVar("T")


@dataclass(frozen=True)
class Plan:
    """``devices`` in all; ``tensor`` share each stage, ``data`` copies of the model.

    Each of these is ``sequence`` devices with the same weights and an equal part of the tokens of every sequence.
    ``expert`` devices, those of ``expert_copies`` copies that share a stage, have whole experts; 1: none have.

    Of one copy: ``pipeline`` groups of devices, of which some are idle where there are fewer blocks; ``layers`` blocks
    in ``stages`` stages of which ``groups`` share a device; ``sequences`` in flight as ``microbatches`` of up to
    ``microbatch`` each.
    """

    devices: int
    tensor: int
    sequence: int
    pipeline: int
    data: int
    expert: int
    layers: int
    stages: int
    groups: int
    sequences: int
    microbatch: int
    microbatches: int

    @property
    def group(self) -> int:
        """Devices that hold one copy of the model."""
        return self.sharers * self.pipeline

    @property
    def sharers(self) -> int:
        """Devices of a copy that share a stage."""
        return self.tensor * self.sequence

    @property
    def expert_copies(self) -> int:
        """Copies of the model that share their experts."""
        return max(1, self.expert // self.tensor)

    @property
    def layers_per_stage(self) -> int:
        """Blocks of the fullest stage."""
        return -(-self.layers // self.stages)

    @property
    def used(self) -> int:
        """Groups of devices (of one copy) that hold blocks."""
        return self.devices_with(self.stages)

    @property
    def active(self) -> int:
        """Stages of one device that work at the same time, with microbatches spread as evenly as they can be."""
        return min(self.groups, -(-self.microbatches // self.used))

    def split(self, blocks: Sequence[T]) -> tuple[tuple[T, ...], ...]:
        """``blocks`` in order, in stages as equal as can be, the fullest first."""
        least, more = divmod(len(blocks), self.stages)
        starts = [least * stage + min(stage, more) for stage in range(self.stages + 1)]
        return tuple(tuple(blocks[start:end]) for start, end in pairwise(starts))

    def devices_with(self, stages: int) -> int:
        """Groups of devices (of one copy) that hold the first ``stages`` stages."""
        return -(-stages // self.groups)


def check_count(platform: Platform) -> None:
    """Raise MappingError when the devices of ``platform`` are not those of its parallelism."""
    wanted, count = platform.parallelism, platform.devices.count
    product = wanted.tensor * wanted.sequence * wanted.pipeline * wanted.data
    if product != count:
        along = f" x sequence {wanted.sequence}" if wanted.sequence > 1 else ""
        raise MappingError(
            f"parallelism: tensor {wanted.tensor}{along} x pipeline {wanted.pipeline} x data {wanted.data} is "
            f"{product}, but devices.count is {count}"
        )


def make_plan(platform: Platform, layers: int, batch: int) -> Plan:
    """The plan of ``platform`` for a model of ``layers`` blocks and ``batch`` sequences.

    Raises MappingError when the numbers do not go together.
    """
    check_count(platform)
    wanted, count = platform.parallelism, platform.devices.count
    whole = wanted.tensor * wanted.data
    if wanted.expert > 1 and (wanted.expert % wanted.tensor or whole % wanted.expert):
        allowed = [n for n in range(1, whole + 1) if n == 1 or (n % wanted.tensor == 0 and whole % n == 0)]
        raise MappingError(
            f"parallelism.expert: {wanted.expert} is not the devices of one or more copies that share a stage "
            f"(allowed with tensor {wanted.tensor} and data {wanted.data}: {', '.join(map(str, allowed))})"
        )
    if batch % wanted.data:
        raise MappingError(f"batch: {batch} sequences do not deal out evenly to parallelism.data: {wanted.data} copies")
    sequences = batch // wanted.data
    groups = -(-layers // wanted.pipeline) if wanted.stage == "block" else 1
    stages = layers if wanted.stage == "block" else min(wanted.pipeline, layers)
    microbatch = -(-sequences // stages)
    return Plan(
        devices=count,
        tensor=wanted.tensor,
        sequence=wanted.sequence,
        pipeline=wanted.pipeline,
        data=wanted.data,
        expert=wanted.expert,
        layers=layers,
        stages=stages,
        groups=groups,
        sequences=sequences,
        microbatch=microbatch,
        microbatches=-(-sequences // microbatch),
    )
