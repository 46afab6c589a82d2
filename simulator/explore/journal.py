"""The journal: an append-only file of outcomes that survives a crash at any moment.

One line a record: its CRC-32 in eight hex digits, a space, JSON. A line that is torn or damaged is passed over when
the journal is read, and cut off before more is appended, so that its point runs again. Assumptions, which hardly
differ between points, are written once each and referred to by a hash.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import time
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from simulator.errors import ConfigError
from simulator.explore.outcome import Outcome

SYNC_EVERY_S = 2.0
"""How much of the latest results a power failure may cost; the end of a process costs nothing."""


def _line(record: Mapping[str, Any]) -> bytes:
    text = json.dumps(record, separators=(",", ":")).encode()
    return b"%08x %s\n" % (zlib.crc32(text), text)


def _record(line: bytes) -> dict[str, Any] | None:
    """The record of a line, None if it is damaged."""
    crc, space, text = line.rstrip(b"\n").partition(b" ")
    try:
        if not space or not line.endswith(b"\n") or int(crc, 16) != zlib.crc32(text):
            return None
        record = json.loads(text)
    except ValueError:
        return None
    return record if isinstance(record, dict) else None


class Texts:
    """Assumptions by their hash, as the records of a journal refer to them."""

    def __init__(self) -> None:
        self.known: dict[str, tuple[str, ...]] = {}

    @staticmethod
    def key(texts: tuple[str, ...]) -> str:
        """What stands for ``texts``."""
        return hashlib.sha256("\n".join(texts).encode()).hexdigest()[:12]


def read_journal(path: Path) -> Iterator[Outcome]:
    """The outcomes in a journal, in the order in which they were written; damaged lines are passed over."""
    texts = Texts()
    with path.open("rb") as file:
        for line in file:
            record = _record(line)
            if record is None:
                continue
            if "texts" in record:
                texts.known[record["key"]] = tuple(record["texts"])
            else:
                record["assumptions"] = texts.known.get(record["assumptions"], ())
                yield Outcome.from_record(record)


class Journal:
    """A journal open for appending, by one process at a time. Raises ConfigError when another has it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._texts = Texts()
        self._synced_s = time.monotonic()
        path.parent.mkdir(parents=True, exist_ok=True)
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            lock(self._fd, exclusive=True, busy=f"{path}: another sweep is writing this journal")
            self._cut_tail()
        except BaseException:
            os.close(self._fd)
            raise

    def _cut_tail(self) -> None:
        """Forget what a crash left behind the last whole line; a line damaged before it stays, and is passed over."""
        data = self.path.read_bytes()
        end = data.rfind(b"\n") + 1
        for line in data[:end].splitlines(keepends=True):
            record = _record(line)
            if record is not None and "texts" in record:
                self._texts.known[record["key"]] = tuple(record["texts"])
        if end < len(data):
            os.ftruncate(self._fd, end)

    def append(self, outcome: Outcome) -> None:
        """Write one outcome. Raises OSError with the path when it cannot be written; the file is then as before."""
        record = outcome.record()
        key = record["assumptions"] = Texts.key(outcome.assumptions)
        lines = b""
        if key not in self._texts.known:
            lines = _line({"key": key, "texts": outcome.assumptions})
        self._write(lines + _line(record))
        self._texts.known[key] = outcome.assumptions
        if time.monotonic() - self._synced_s > SYNC_EVERY_S:
            self.sync()

    def _write(self, data: bytes) -> None:
        before = os.fstat(self._fd).st_size
        try:
            code = 0 if os.write(self._fd, data) == len(data) else errno.ENOSPC
        except OSError as error:
            code = error.errno or errno.EIO
        if code:
            os.ftruncate(self._fd, before)
            raise OSError(code, os.strerror(code), str(self.path))

    def sync(self) -> None:
        """See to it that what was written survives a power failure."""
        os.fsync(self._fd)
        self._synced_s = time.monotonic()

    def close(self) -> None:
        """Write everything out and let go of the journal."""
        try:
            self.sync()
        finally:
            os.close(self._fd)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def lock(fd: int, *, exclusive: bool, busy: str) -> None:
    """Lock an open file until it is closed or its process ends, however that ends.

    Raises ConfigError saying ``busy`` when somebody else has it. A file system without locks is taken as it is.
    """
    try:
        fcntl.flock(fd, (fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH) | fcntl.LOCK_NB)
    except BlockingIOError:
        raise ConfigError(busy) from None
    except OSError as error:
        if error.errno not in (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP):
            raise
