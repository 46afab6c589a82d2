"""Messages between a sweep and its worker processes: a length, then a pickled object, over pipes."""

from __future__ import annotations

import os
import pickle
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any

from simulator.explore.outcome import Outcome
from simulator.explore.points import Catalog, Point

_HEADER = struct.Struct("<I")
_CHUNK = 1 << 16

Batch = tuple[Catalog, list[Point]]
"""To a worker: what is new in the catalog, and the points to evaluate in order."""

STARTED = "started"
"""From a worker, before each point; after it comes its `Outcome`."""

READY = "ready"
"""From a worker, when it waits for a batch."""


@dataclass(frozen=True)
class Refusal:
    """From a worker that cannot do what it is asked to: why, which ends the sweep."""

    reason: str


def send(file: IO[bytes], message: Any) -> None:
    """Write one message. Raises OSError when the other end has gone."""
    data = pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL)
    file.write(_HEADER.pack(len(data)) + data)
    file.flush()


def receive(file: IO[bytes]) -> Any:
    """The next message, blocking. Raises EOFError when the other end has gone."""
    (size,) = _HEADER.unpack(_exactly(file, _HEADER.size))
    return pickle.loads(_exactly(file, size))  # noqa: S301 - from our own parent process


def _exactly(file: IO[bytes], size: int) -> bytes:
    data = file.read(size)
    if len(data) < size:
        raise EOFError
    return data


class Inbox:
    """The messages that have arrived on a pipe, without waiting for more."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._data = bytearray()
        self.closed = False
        os.set_blocking(fd, False)

    def messages(self) -> Iterator[str | Outcome | Refusal]:
        """Every whole message there is."""
        self._read()
        while len(self._data) >= _HEADER.size:
            (size,) = _HEADER.unpack_from(self._data)
            end = _HEADER.size + size
            if len(self._data) < end:
                return
            message = pickle.loads(self._data[_HEADER.size : end])  # noqa: S301 - from our own child process
            del self._data[:end]
            yield message

    def _read(self) -> None:
        while True:
            try:
                chunk = os.read(self._fd, _CHUNK)
            except BlockingIOError:
                return
            if not chunk:
                self.closed = True
                return
            self._data += chunk
