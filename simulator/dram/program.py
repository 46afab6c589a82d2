"""Near-bank programs: what a host asks of a set of channels, run-length encoded."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from simulator.config.dram_schema import Dram

# Codes in place of a command's index.
SYNC = -1
HOST_CYCLES = -2
END = -3


Request = tuple[int, int, int, int, int, int, int]
"""A row of `HostProgram.requests`."""


@dataclass(frozen=True, eq=False)
class HostProgram:
    """Host requests in order, each for a set of channels.

    ``requests`` [n, 7] int64: command, count, bank, row, index of the channel mask, blocking (the front end waits for
    the answer), memory (served by the read and write queues instead of the near-bank queue). ``masks`` [masks,
    channels] bool.
    """

    requests: npt.NDArray[np.int64]
    masks: npt.NDArray[np.bool_]

    @property
    def n_channels(self) -> int:
        """Channels that the masks cover."""
        return int(self.masks.shape[1])

    @cached_property
    def key(self) -> bytes:
        """A digest: equal programs have equal keys."""
        digest = hashlib.blake2b(self.requests.tobytes(), digest_size=16)
        digest.update(np.array(self.masks.shape, dtype=np.int64).tobytes())
        digest.update(self.masks.tobytes())
        return digest.digest()

    @cached_property
    def channel_classes(self) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Masks [masks, classes], class of each channel, channels of each class; those of a class do the same."""
        masks, of, sizes = np.unique(self.masks, axis=1, return_inverse=True, return_counts=True)
        return np.ascontiguousarray(masks), of.reshape(-1), sizes

    @cached_property
    def n_commands(self) -> int:
        """Final commands of all requests, for one channel that takes part in all of them."""
        real = self.requests[self.requests[:, 0] >= 0]
        return int(real[:, 1].sum())


class ProgramBuilder:
    """Collects host requests for ``n_channels`` channels of one standard."""

    def __init__(self, spec: Dram, n_channels: int) -> None:
        self._code = {name: index for index, name in enumerate(spec.commands)}
        self._n_channels = n_channels
        self._rows: dict[Request, int] = {}
        self._ids: list[int] = []
        self._masks: dict[bytes, int] = {}
        self._all = np.ones(n_channels, dtype=np.bool_)
        self._all.flags.writeable = False
        self._fixed: dict[int, tuple[npt.NDArray[np.bool_], int]] = {}
        """Masks that cannot change, by identity: told apart without a look at their content."""

    def _mask(self, channels: npt.NDArray[np.bool_] | None) -> int:
        mask = self._all if channels is None else channels
        known = self._fixed.get(id(mask))
        if known is not None:
            return known[1]
        content = np.asarray(mask, dtype=np.bool_)
        if content.shape != (self._n_channels,):
            msg = f"a channel mask has shape {content.shape}, not ({self._n_channels},)"
            raise ValueError(msg)
        number = self._masks.setdefault(content.tobytes(), len(self._masks))
        if not mask.flags.writeable:
            self._fixed[id(mask)] = mask, number
        return number

    def add(  # noqa: PLR0913 -- the fields of a request, by name
        self,
        command: str,
        count: int = 1,
        *,
        bank: int = 0,
        row: int = 0,
        channels: npt.NDArray[np.bool_] | None = None,
        blocking: bool = False,
        memory: bool = False,
    ) -> None:
        """Ask for ``count`` commands in a row, on ``channels`` (a bool mask; None: all).

        ``blocking``: the front end waits for the answer (commands with ``data: read``). ``memory``: an ordinary read
        or write. Raises KeyError for a command that the standard does not have, ValueError for a count below 1 or a
        mask of the wrong length.
        """
        if count < 1:
            msg = f"{command}: a count of {count} is not a positive number"
            raise ValueError(msg)
        repeat, count = (count, 1) if memory else (1, count)
        request = (self._code[command], count, bank, row, self._mask(channels), int(blocking), int(memory))
        self._append(request, repeat)

    def host_cycles(self, n: int = 1) -> None:
        """Front-end cycles without DRAM work (register accesses)."""
        self._append((HOST_CYCLES, n, 0, 0, self._mask(None), 0, 0))

    def sync(self) -> None:
        """The front end waits until every channel has finished what came before."""
        self._append((SYNC, 1, 0, 0, self._mask(None), 1, 0))

    def end(self) -> None:
        """EOC: like `sync`, and the run ends with its last answer."""
        self._append((END, 1, 0, 0, self._mask(None), 1, 0))

    def _append(self, request: Request, repeat: int = 1) -> None:
        number = self._rows.setdefault(request, len(self._rows))
        self._ids.extend([number] * repeat)

    def __len__(self) -> int:
        return len(self._ids)

    def since(self, length: int) -> list[int]:
        """What was added after the builder had ``length`` requests, for `extend`."""
        return self._ids[length:]

    def extend(self, requests: list[int]) -> None:
        """Repeat requests that came from `since` of this builder."""
        self._ids.extend(requests)

    def build(self) -> HostProgram:
        """The finished program."""
        requests = np.array(list(self._rows), dtype=np.int64).reshape(-1, 7)[self._ids]
        masks = np.array([np.frombuffer(mask, dtype=np.bool_) for mask in self._masks], dtype=np.bool_)
        masks = masks.reshape(-1, self._n_channels)
        return HostProgram(requests, masks)
