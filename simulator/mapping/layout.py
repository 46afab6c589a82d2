"""Where tensors lie: rows of every bank, given out in order, and what happens when they run out.

Every tensor takes whole rows of all banks of its memory. Matrices of near-bank units are tiled over channels and banks
(`simulator.mapping.gemv`); everything else is interleaved over the channels, so a row number stands for one row of
each bank.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import ceil
from typing import Protocol

from simulator.config.registry import Registry
from simulator.errors import CapacityError
from simulator.mapping.attention import CacheShape, cache_rows
from simulator.mapping.bank_array import BankArray
from simulator.mapping.gemv import GemvPlan, weight_gemv
from simulator.mapping.hbm_pim import PimArray
from simulator.mapping.hbm_pim_tiling import weight_rows

MAX_FITTING = 1 << 24
"""Where the search for what would fit ends."""


class CacheKeeper(Protocol):
    """A unit that lays the KV cache out in its memory its own way."""

    def cache_rows(self, heads: int, head_dim: int, tokens: int) -> int:
        """Rows of each bank that ``tokens`` tokens of ``heads`` cached heads of one layer take."""


@dataclass(frozen=True)
class Store:
    """A memory as the layout sees it; ``array`` when near-bank units compute in it, ``pim`` when HBM-PIM units do.

    ``keeper``: the unit that keeps the cache in it, where there is one.
    ``parts``: what there could be more of, in words; ``most``: how many a platform may have.
    """

    name: str
    channels: int
    banks: int
    rows: int
    row_bytes: int
    array: BankArray | None = None
    pim: PimArray | None = None
    keeper: CacheKeeper | None = None
    parts: str = "channels"
    most: int = MAX_FITTING

    @property
    def row_set_bytes(self) -> int:
        """Bytes of one row of each bank of each channel."""
        return self.channels * self.banks * self.row_bytes

    @property
    def capacity_bytes(self) -> int:
        """Bytes of the whole memory."""
        return self.rows * self.row_set_bytes

    def with_channels(self, channels: int) -> Store:
        """The same memory with another number of channels."""
        array = replace(self.array, channels=channels) if self.array else None
        return replace(self, channels=channels, array=array)

    def linear_rows(self, n_bytes: int) -> int:
        """Rows of each bank that interleaved data takes."""
        return -(-n_bytes // self.row_set_bytes)


@dataclass(frozen=True)
class Tensor:
    """A weight of ``outputs`` x ``inputs`` elements in the memory ``store``; ``tiled`` for products in the memory.

    ``matrices``: of that shape, one after the other; ``n_bytes`` are those of all. ``layer``: the block that reads it.
    """

    name: str
    outputs: int
    inputs: int
    n_bytes: int
    store: str
    tiled: bool
    matrices: int = 1
    layer: int | None = None

    def rows(self, store: Store) -> int:
        """Rows of each bank that it takes."""
        if self.tiled and store.array is not None:
            return (
                self.matrices * GemvPlan(store.array, weight_gemv(store.array, self.outputs, self.inputs)).rows_per_bank
            )
        if self.tiled and store.pim is not None:
            return self.matrices * weight_rows(store.pim, self.outputs, self.inputs, store.channels)
        return store.linear_rows(self.n_bytes)


@dataclass(frozen=True)
class Cache:
    """The KV cache: ``layers`` layers of ``kv_heads`` cached heads a sequence, ``element_bits`` an element.

    ``tensors``: keys and values; fewer where one tensor is both. ``window``: the last tokens, which alone are kept.
    ``fixed``: elements of each sequence that do not grow with its tokens (a state).
    """

    layers: int
    kv_heads: int
    head_dim: int
    element_bits: float
    store: str
    tiled: bool
    tensors: int = 2
    window: int | None = None
    fixed: int = 0

    def dealt_out(self, devices: int) -> Cache:
        """What the fullest of ``devices`` devices has of it, each with an equal part of the heads."""
        return replace(self, kv_heads=-(-self.kv_heads // devices))

    def rows(self, store: Store, batch: int, tokens: int) -> int:
        """Rows of each bank that ``tokens`` tokens of ``batch`` sequences take."""
        heads = batch * self.kv_heads
        kept = tokens if self.window is None else min(tokens, self.window)
        if store.keeper is not None:
            return self.layers * store.keeper.cache_rows(heads, self.head_dim, kept)
        if self.tiled and store.array is not None:
            return self.layers * cache_rows(store.array, CacheShape(heads, self.head_dim), kept)
        layer_bytes = self.tensors * ceil(heads * kept * self.head_dim * self.element_bits / 8)
        return self.layers * store.linear_rows(layer_bytes + ceil(batch * self.fixed * self.element_bits / 8))


@dataclass(frozen=True)
class Caches:
    """The caches of layers that keep different things, in one memory."""

    parts: tuple[Cache, ...]

    @property
    def store(self) -> str:
        """The memory that they lie in; nothing where there are none."""
        return self.parts[0].store if self.parts else ""

    def dealt_out(self, devices: int) -> Caches:
        """What the fullest of ``devices`` devices has of them, each with an equal part of the heads."""
        return Caches(tuple(part.dealt_out(devices) for part in self.parts))

    def rows(self, store: Store, batch: int, tokens: int) -> int:
        """Rows of each bank that ``tokens`` tokens of ``batch`` sequences take."""
        return sum(part.rows(store, batch, tokens) for part in self.parts)


@dataclass(frozen=True)
class Demand:
    """Everything that has to lie somewhere: weights and the cache of ``batch`` sequences of ``tokens`` tokens."""

    tensors: tuple[Tensor, ...]
    cache: Cache | Caches
    batch: int
    tokens: int

    def rows(self, store: Store) -> tuple[int, int]:
        """(rows of weights, rows of cache) in each bank of ``store``."""
        weights = sum(tensor.rows(store) for tensor in self.tensors if tensor.store == store.name)
        cache = self.cache.rows(store, self.batch, self.tokens) if self.cache.store == store.name else 0
        return weights, cache

    def fits(self, store: Store) -> bool:
        """Whether ``store`` has rows enough."""
        return sum(self.rows(store)) <= store.rows


@dataclass(frozen=True)
class Layout:
    """First row of each tensor and of the cache, and the bytes taken with all padding."""

    first_row: Mapping[str, int]
    needed_bytes: int
    available_bytes: int
    by_store: Mapping[str, tuple[int, int]] = field(default_factory=dict)


Policy = Callable[[Demand, Sequence[Store]], Layout]

layouts: Registry[Policy] = Registry("layout policy")
"""Layout policies by the name that a platform's ``layout`` gives."""


@layouts.register("in_order")
def in_order(demand: Demand, stores: Sequence[Store]) -> Layout:
    """Give every tensor its rows in order of first use, the cache last.

    Raises CapacityError that says what does not fit, by how much, and what would.
    """
    for store in stores:
        if not demand.fits(store):
            raise CapacityError(_complaint(demand, store))
    first_row: dict[str, int] = {}
    taken: dict[str, tuple[int, int]] = {}
    for store in stores:
        row = 0
        for tensor in _of(demand.tensors, store):
            first_row[tensor.name] = row
            row += tensor.rows(store)
        if demand.cache.store == store.name:
            first_row["kv_cache"] = row
        taken[store.name] = (sum(demand.rows(store)) * store.row_set_bytes, store.capacity_bytes)
    needed, available = (sum(part) for part in zip(*taken.values(), strict=True))
    return Layout(first_row, needed, available, taken)


def _of(tensors: Iterable[Tensor], store: Store) -> Iterable[Tensor]:
    return (tensor for tensor in tensors if tensor.store == store.name)


def _complaint(demand: Demand, store: Store) -> str:
    weights, cache = demand.rows(store)
    unit = store.row_set_bytes
    over = (weights + cache) * unit - store.capacity_bytes
    cached = f"the KV cache of {demand.batch} x {demand.tokens} tokens takes {_gib(cache * unit)}"
    parts = [f"weights take {_gib(weights * unit)}"] * bool(weights or not cache) + [cached] * bool(cache)
    complaint = f"{store.name}: {' and '.join(parts)}: {_gib(over)} more than its {_gib(store.capacity_bytes)}"
    fitting = []
    if cache:
        batch = _largest(lambda n: replace(demand, batch=n).fits(store), demand.batch)
        tokens = _largest(lambda n: replace(demand, tokens=n).fits(store), demand.tokens)
        fitting += [f"batch {batch}"] * (batch > 0) + [f"{tokens} tokens a sequence"] * (tokens > 0)
    channels = _smallest(lambda n: demand.fits(store.with_channels(n)), store.channels, store.most)
    fitting += [f"{channels} {store.parts}"] * (channels is not None)
    return complaint + (f"; what would fit: {' or '.join(fitting)}" if fitting else "")


def _gib(n_bytes: int) -> str:
    return f"{n_bytes / 2**30:.2f} GiB"


def _largest(fits: Callable[[int], bool], too_many: int) -> int:
    """The largest number below ``too_many`` that fits, 0 if none does."""
    low, high = 0, too_many
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low


def _smallest(fits: Callable[[int], bool], too_few: int, most: int) -> int | None:
    """The smallest number above ``too_few`` that fits, None if none up to ``most`` does."""
    low, high = too_few, min(2 * too_few, most)
    while not fits(high):
        if high == most:
            return None
        low, high = high, min(2 * high, most)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if fits(middle) else (middle, high)
    return high
