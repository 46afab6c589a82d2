"""Where CENT puts the parts of a transformer block: channels of a device, banks, rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from simulator.errors import MappingError
from simulator.workload.model import Model
from simulator.workload.transformer import LLAMA

CHANNELS = 32
"""Channels of a CENT device."""

BANKS = 16
ROW_ELEMENTS = 1024
BURST_ELEMENTS = 16
ACCUMULATORS = 32
"""Of a GDDR6-AiM bank: the sums it keeps; half of them where an activation function reads them, too."""

BANK_GROUP = 4


@dataclass(frozen=True)
class BlockShape:
    """What a block's programs depend on: the model's sizes, and the ``max_tokens`` its cache has room for."""

    d_model: int
    d_ff: int
    n_heads: int
    n_kv_heads: int
    head_dim: int
    max_tokens: int

    @property
    def kv_features(self) -> int:
        """Elements of all keys (or values) of one token."""
        return self.n_kv_heads * self.head_dim

    @property
    def shared(self) -> int:
        """Query heads that share a cached head."""
        return self.n_heads // self.n_kv_heads


def block_shape(model: Model) -> BlockShape:
    """The sizes of ``model``. Raises MappingError for one whose blocks are not Llama's."""
    if model.architecture != LLAMA:
        raise MappingError(f"compat.cent: its artifact has Llama's blocks only, not those of {model.name}")
    return BlockShape(model.d_model, model.d_ff, model.n_heads, model.n_kv_heads, model.head_dim, model.max_position)


@dataclass(frozen=True)
class Placing:
    """``channels_per_block`` channels of a device for each block on it; ``fc_devices`` share the matrix products."""

    channels_per_block: int
    fc_devices: int = 1

    def __post_init__(self) -> None:
        if not 1 <= self.channels_per_block <= CHANNELS:
            raise MappingError(f"{self.channels_per_block} channels a block (allowed: 1..{CHANNELS})")

    @property
    def blocks(self) -> int:
        """Blocks side by side on one device."""
        return CHANNELS // self.channels_per_block

    @property
    def banks(self) -> int:
        """Banks of one block on one device."""
        return BANKS * self.channels_per_block

    @property
    def product_banks(self) -> int:
        """Banks of all devices that share the matrix products of a block."""
        return self.banks * self.fc_devices

    @property
    def product_channels(self) -> int:
        """Channels of all devices that share the matrix products of a block."""
        return self.channels_per_block * self.fc_devices

    def first(self, channels: int) -> npt.NDArray[np.bool_]:
        """The channels that work when each block of the device uses ``channels``: counted from 0, all blocks."""
        used = CHANNELS if channels > CHANNELS else CHANNELS // channels * channels
        chosen: npt.NDArray[np.bool_] = np.arange(CHANNELS) < used
        return chosen


class Rows:
    """Row numbers by name, given out on first use; what matters to time is only which are equal."""

    def __init__(self, spacing: int = 1 << 14) -> None:
        self._first: dict[str, int] = {}
        self._spacing = spacing

    def of(self, name: str) -> int:
        """The first row of a region."""
        return self._first.setdefault(name, len(self._first) * self._spacing)


def parts(total: int, size: int) -> list[int]:
    """``total`` cut into pieces of ``size`` and a rest."""
    whole, rest = divmod(total, size)
    return [size] * whole + ([rest] if rest else [])


def up(total: int, size: int) -> int:
    """``total`` / ``size``, rounded up."""
    return -(-total // size)
