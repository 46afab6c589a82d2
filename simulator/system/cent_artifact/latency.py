"""Latencies in ms as the artifact adds them up: near-bank program, CXL, accelerators."""

from __future__ import annotations

import math

from simulator.config.compat_schema import CentAccelerators, CentArtifact, CentLink
from simulator.mapping.cent.layout import BURST_ELEMENTS, CHANNELS, BlockShape

ELEMENT_BYTES = 2
GIB_PER_GB = 1e9 / 2**30
"""The artifact divides bytes by GB/s and takes the result for 2^30 bytes a second."""


def program_ms(ticks: int, artifact: CentArtifact) -> float:
    """Of a near-bank program."""
    return ticks / (artifact.clock_mhz * 1e3)


def accelerators_ms(cycles: CentAccelerators, shape: BlockShape, context: int, clock_mhz: float) -> float:
    """Norms, softmax and rotary embedding of one block in the controller of 32 channels."""
    words = shape.d_model / BURST_ELEMENTS / BURST_ELEMENTS / CHANNELS
    reduction = cycles.buffer_read_cycles + cycles.buffer_write_cycles + 1
    norms = 2 * (words * cycles.vector_cycles + reduction + cycles.norm_cycles)
    scores = context * shape.n_heads / BURST_ELEMENTS / CHANNELS
    softmax = scores * (cycles.exponent_cycles + cycles.vector_cycles) + shape.n_heads * (
        cycles.buffer_read_cycles + cycles.softmax_cycles_per_head
    )
    rotary = (1 + 1 / shape.shared) * shape.d_model * cycles.rotary_cycles_per_element
    return (norms + softmax + rotary) / (clock_mhz * 1e3)


def _hop_ms(link: CentLink, flits: int, devices: int) -> float:
    bandwidth = link.lanes // devices * link.gb_s_per_lane
    return (link.one_hop_ns + flits * link.flit_bytes / bandwidth * GIB_PER_GB) / 1e6


def _flits(link: CentLink, elements: float) -> int:
    return math.ceil(elements * ELEMENT_BYTES / link.payload_bytes)


def vector_ms(link: CentLink, elements: int, devices: int) -> float:
    """A vector from one device to the next."""
    return _hop_ms(link, _flits(link, elements), devices)


def products_ms(link: CentLink, shape: BlockShape, sharing: int, devices: int) -> float:
    """Broadcasts and gathers around the products of a block that ``sharing`` of ``devices`` share."""

    def broadcast(elements: int) -> float:
        return _hop_ms(link, _flits(link, elements), devices)

    def gather(elements: int) -> float:
        return _hop_ms(link, _flits(link, elements / sharing) * (sharing - 1), devices)

    model = broadcast(shape.d_model) + gather(shape.d_model)
    return 5 * model + gather(shape.d_ff) + broadcast(shape.d_ff)
