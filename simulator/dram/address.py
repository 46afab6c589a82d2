"""Address mapping: a linear byte address to channel, bank, row and column, and back.

A mapping is named by its fields, most significant first, two letters each: ``RoBaBgPcCoCh`` puts the row on top and,
just above the byte within a burst, the channel. Ro row, Co column (burst within the row), Ch channel, Ra rank,
Pc pseudochannel, Si sid, Ha half of the banks, Bg bankgroup, Ba bank. A field of a level that the standard does not
have counts one, as does Ch with one channel.
``Ch`` last interleaves channels burst by burst; ``ChRo...`` gives each channel one contiguous block; the controller's
``channel_interleave_bytes`` gives them blocks of that size in turn, wherever the name has ``Ch``. ``bank_hash: xor``
exchanges banks (and bank groups) row by row: the bank number within its rank, XOR the low bits of the row.
"""

from __future__ import annotations

import re
from math import prod
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from simulator.config.dram_schema import Dram

Ints = npt.NDArray[np.int64]

LEVEL_OF_FIELD = {
    "Ra": "rank",
    "Pc": "pseudochannel",
    "Si": "sid",
    "Ha": "half",
    "Bg": "bankgroup",
    "Ba": "bank",
}
FIELDS = ("Ro", "Co", "Ch", *LEVEL_OF_FIELD)


class Location(NamedTuple):
    """Where bursts lie: arrays of channel, bank (index over the channel's levels), row and column (burst)."""

    channel: Ints
    bank: Ints
    row: Ints
    column: Ints


class AddressMapping:
    """The mapping that a standard's controller names, over ``channels`` channels. Bijective on burst addresses."""

    def __init__(self, spec: Dram, channels: int = 1, name: str | None = None) -> None:
        """``name`` replaces the controller's ``address_mapping``; raises ValueError where it does not fit."""
        organization = spec.organization
        self.name = name or spec.controller.address_mapping
        self.burst_bytes = organization.burst_bytes
        self.levels = organization.levels
        counts = {"Ro": organization.rows, "Co": organization.row_bytes // organization.burst_bytes, "Ch": channels}
        counts |= {field: self.levels.get(level, 1) for field, level in LEVEL_OF_FIELD.items()}
        self.fields = [(field, counts[field]) for field in reversed(_fields(self.name))]
        self.hashed_banks = 1
        if spec.controller.bank_hash == "xor":
            self.hashed_banks = self.levels.get("bankgroup", 1) * self.levels["bank"]
        self._interleave = (spec.controller.channel_interleave_bytes or 0) // self.burst_bytes
        if self._interleave:
            self.fields = [("Ch", 1) if field == "Ch" else (field, count) for field, count in self.fields]
        self._channels = channels
        missing = [field for field, count in counts.items() if count > 1 and field not in dict(self.fields)]
        if missing:
            raise ValueError(f"address mapping {self.name} lacks {', '.join(missing)}")
        self.capacity_bytes = prod(counts.values()) * self.burst_bytes

    def decode(self, address: int | npt.ArrayLike) -> Location:
        """Locations of byte addresses; raises ValueError for an address outside the memory."""
        rest = np.asarray(address, dtype=np.int64)
        if rest.size and (rest.min() < 0 or rest.max() >= self.capacity_bytes):
            raise ValueError(f"an address lies outside the memory of {self.capacity_bytes} bytes")
        rest = rest // self.burst_bytes
        channel = None
        if self._interleave:
            block, inside = np.divmod(rest, self._interleave)
            block, channel = np.divmod(block, self._channels)
            rest = block * self._interleave + inside
        digits: dict[str, Ints] = {}
        for field, count in self.fields:
            rest, digits[field] = np.divmod(rest, count)
        none = np.zeros_like(rest)
        bank = none
        for level, count in self.levels.items():
            bank = bank * count + digits.get(_field_of(level), none)
        bank = bank ^ (digits["Ro"] % self.hashed_banks)
        return Location(digits.get("Ch", none) if channel is None else channel, bank, digits["Ro"], digits["Co"])

    def encode(self, location: Location) -> Ints:
        """Byte addresses of the first byte of bursts; raises ValueError for a location that does not exist."""
        channel = np.zeros_like(location.channel) if self._interleave else location.channel
        digits = {"Ch": channel, "Ro": location.row, "Co": location.column}
        digits = {field: np.asarray(value, dtype=np.int64) for field, value in digits.items()}
        rest = np.asarray(location.bank, dtype=np.int64) ^ (digits["Ro"] % self.hashed_banks)
        for level, count in reversed(self.levels.items()):
            rest, digits[_field_of(level)] = np.divmod(rest, count)
        if np.any(rest != 0):
            raise ValueError(f"a bank lies outside 0..{prod(self.levels.values()) - 1}")
        address = np.zeros_like(digits["Ro"])
        for field, count in reversed(self.fields):
            digit = digits.get(field, np.zeros_like(address))
            if np.any((digit < 0) | (digit >= count)):
                raise ValueError(f"{field} lies outside 0..{count - 1}")
            address = address * count + digit
        if self._interleave:
            block, inside = np.divmod(address, self._interleave)
            address = (block * self._channels + np.asarray(location.channel)) * self._interleave + inside
        return address * self.burst_bytes


def _field_of(level: str) -> str:
    """The two letters of a level; raises ValueError for a level that no mapping can name."""
    for field, name in LEVEL_OF_FIELD.items():
        if name == level:
            return field
    raise ValueError(f"no address mapping names the level {level}")


def _fields(name: str) -> list[str]:
    """The fields of a mapping's name, most significant first; raises ValueError unless each is known and given once."""
    fields = re.findall("..", name)
    if "".join(fields) != name or not set(fields) <= set(FIELDS):
        raise ValueError(f"address mapping {name} is not made of {' '.join(FIELDS)}")
    if len(set(fields)) != len(fields) or not {"Ro", "Co"} <= set(fields):
        raise ValueError(f"address mapping {name} must name each field once, with Ro and Co")
    return fields
