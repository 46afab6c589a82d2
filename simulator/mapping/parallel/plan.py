"""How many devices, stages and sequences work together.

A pipeline of S stages keeps up to S microbatches in flight. Stages of one device that work at the same time do so in
step (`Sharing` of the units): equal stages are then equal in time, and one device stands for all.
"""

from __future__ import annotations

from dataclasses import dataclass

from simulator.config.platform_schema import Platform
from simulator.errors import MappingError


@dataclass(frozen=True)
class Plan:
    """``devices`` in all; ``tensor`` share each stage, ``data`` copies of the model.

    Of one copy: ``pipeline`` groups of devices, of which some are idle where there are fewer blocks; ``layers`` blocks
    in ``stages`` stages of which ``groups`` share a device; ``sequences`` in flight as ``microbatches`` of up to
    ``microbatch`` each.
    """

    devices: int
    tensor: int
    pipeline: int
    data: int
    layers: int
    stages: int
    groups: int
    sequences: int
    microbatch: int
    microbatches: int

    @property
    def group(self) -> int:
        """Devices that hold one copy of the model."""
        return self.tensor * self.pipeline

    @property
    def layers_per_stage(self) -> int:
        """Blocks of the fullest stage."""
        return -(-self.layers // self.stages)

    @property
    def used(self) -> int:
        """Groups of devices (of one copy) that hold blocks."""
        return -(-self.stages // self.groups)

    @property
    def active(self) -> int:
        """Stages of one device that work at the same time, with microbatches spread as evenly as they can be."""
        return -(-self.microbatches // self.used)

    def turns(self, *, prefill: bool) -> int:
        """Blocks' times in a step, one after the other.

        In decode a microbatch passes all blocks, and each stage serves all microbatches once, whichever takes longer;
        the prompts of all microbatches follow each other through the stages.
        """
        if not prefill:
            return max(self.layers, self.microbatches * self.layers_per_stage)
        if self.microbatches == 1:
            return self.layers
        return (self.stages + self.microbatches - 1) * self.layers_per_stage


def make_plan(platform: Platform, layers: int, batch: int) -> Plan:
    """The plan of ``platform`` for a model of ``layers`` blocks and ``batch`` sequences.

    Raises MappingError when the numbers do not go together.
    """
    wanted, count = platform.parallelism, platform.devices.count
    product = wanted.tensor * wanted.pipeline * wanted.data
    if product != count:
        raise MappingError(
            f"parallelism: tensor {wanted.tensor} x pipeline {wanted.pipeline} x data {wanted.data} is {product}, but "
            f"devices.count is {count}"
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
        pipeline=wanted.pipeline,
        data=wanted.data,
        layers=layers,
        stages=stages,
        groups=groups,
        sequences=sequences,
        microbatch=microbatch,
        microbatches=-(-sequences // microbatch),
    )
