"""The request streams of suite `dram`: by formula, or the exact list where the folder has it."""

from __future__ import annotations

import gzip
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np
import numpy.typing as npt

from simulator.cli.suites.dram_golden import GoldenConfig
from simulator.config.dram_schema import Dram
from simulator.dram.address import AddressMapping
from simulator.dram.device import RequestList
from simulator.errors import TraceError

Ints = npt.NDArray[np.int64]

FOLDER = "streams"
RANDOM_READS_SEED = 12345
RANDOM_READS_AND_WRITES_SEED = 12346
DRAWS_BEHIND_A_SEED = 20000
"""A sample's draws depend on its size, so the rule is always for this many bursts."""


@dataclass(frozen=True)
class Geometry:
    """What the formulas count over: ``i`` is the number of each request, ``bursts`` those of one row."""

    i: Ints
    bursts: int
    levels: Mapping[str, int]


Place = dict[str, Ints]
"""Digits of each level, row and column; what is not named is 0."""


def _samebank_rowwalk(geometry: Geometry) -> Place:
    return {"row": geometry.i // geometry.bursts, "column": geometry.i % geometry.bursts}


def _bank_group_interleave(geometry: Geometry) -> Place:
    return _interleave(geometry, geometry.i)


def _pseudochannel_interleave(geometry: Geometry) -> Place:
    count = geometry.levels.get("pseudochannel", 1)
    return _interleave(geometry, geometry.i // count) | {"pseudochannel": geometry.i % count}


def _interleave(geometry: Geometry, i: Ints) -> Place:
    """Bank groups, then columns, banks and rows, each running faster than the next."""
    rest, group = np.divmod(i, geometry.levels.get("bankgroup", 1))
    rest, column = np.divmod(rest, geometry.bursts)
    row, bank = np.divmod(rest, geometry.levels["bank"])
    return {"bankgroup": group, "column": column, "bank": bank, "row": row}


def _row_conflicts(geometry: Geometry) -> Place:
    return {"row": geometry.i}


BY_PLACE: dict[str, Callable[[Geometry], Place]] = {
    "b_samebank_rowwalk": _samebank_rowwalk,
    "e_bg_interleave": _bank_group_interleave,
    "e2_pc_bg_interleave": _pseudochannel_interleave,
    "f_rowconflict": _row_conflicts,
}
SEQUENTIAL = "a_seq"
RANDOM = {"c_random": RANDOM_READS_SEED, "d_random_rw": RANDOM_READS_AND_WRITES_SEED}
KNOWN = {SEQUENTIAL, *BY_PLACE, *RANDOM}


def requests(config: GoldenConfig, spec: Dram, stream: str, count: int) -> RequestList:
    """The first ``count`` requests of a known stream. Raises TraceError for a list that cannot be read."""
    if stream in BY_PLACE:
        return _by_place(spec, BY_PLACE[stream], count)
    if stream == SEQUENTIAL:
        return _by_address(spec, np.arange(count) * spec.organization.burst_bytes, np.zeros(count, dtype=np.bool_))
    path = config.file.parent / FOLDER / f"{config.simulator.partition('.')[0]}_{config.name}_{stream}.txt.gz"
    if path.is_file():
        addresses, writes = _read(path)
    else:
        addresses, writes = random_stream(spec, stream)
    if len(addresses) < count:
        raise TraceError(f"{count} requests are needed, there are {len(addresses)}", file=str(path))
    return _by_address(spec, addresses[:count], writes[:count])


def random_stream(spec: Dram, stream: str) -> tuple[Ints, npt.NDArray[np.bool_]]:
    """Byte addresses and write marks of a random stream: distinct bursts of the channel; odd requests of d write."""
    organization = spec.organization
    row_bursts = organization.row_bytes // organization.burst_bytes
    bursts = prod(organization.levels.values()) * organization.rows * row_bursts
    drawn = random.Random(RANDOM[stream]).sample(range(bursts), DRAWS_BEHIND_A_SEED)  # noqa: S311 -- no secret
    writes = (np.arange(DRAWS_BEHIND_A_SEED) % 2 == 1) & (stream == "d_random_rw")
    return np.array(drawn, dtype=np.int64) * organization.burst_bytes, writes


def _read(path: Path) -> tuple[Ints, npt.NDArray[np.bool_]]:
    try:
        with gzip.open(path, "rt", encoding="ascii") as stream:
            words = [line.split() for line in stream]
        kinds = [kind for kind, _ in words]
        addresses = np.array([int(address, 16) for _, address in words], dtype=np.int64)
    except (OSError, EOFError, ValueError, OverflowError) as error:
        raise TraceError(f"lines 'R hexaddress' or 'W hexaddress' are needed: {error}", file=str(path)) from error
    if unknown := set(kinds) - {"R", "W"}:
        raise TraceError(f"R or W is needed, not {', '.join(sorted(unknown))}", file=str(path))
    return addresses, np.array(kinds) == "W"


def _by_address(spec: Dram, addresses: Ints, writes: npt.NDArray[np.bool_]) -> RequestList:
    try:
        place = AddressMapping(spec).decode(addresses)
    except ValueError as error:
        raise TraceError(f"{spec.name}: {error}") from error
    return RequestList(writes, place.bank, place.row, place.column)


def _by_place(spec: Dram, formula: Callable[[Geometry], Place], count: int) -> RequestList:
    organization = spec.organization
    i = np.arange(count, dtype=np.int64)
    bursts = organization.row_bytes // organization.burst_bytes
    digits = formula(Geometry(i, bursts, organization.levels))
    zeros = np.zeros(count, dtype=np.int64)
    bank = zeros
    for level, size in organization.levels.items():
        bank = bank * size + digits.get(level, zeros)
    return RequestList(zeros == 1, bank, digits.get("row", zeros), digits.get("column", zeros))
