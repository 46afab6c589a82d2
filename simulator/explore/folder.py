"""The folder of a sweep: frozen points, journals while it runs, a table at the end.

::

    sweep.yaml          the sweep as it was given
    terms.json          what holds for all points: limits, axes, objectives
    catalog.json        platforms and workloads of the points
    points.jsonl        the points, one a line
    journal/*.jsonl     outcomes, one journal for each process that writes
    results.parquet     the table (results.csv without pyarrow), assumptions.json beside it
    lock                held by the process that works here
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from simulator.errors import ConfigError
from simulator.explore.journal import Journal, lock, read_journal
from simulator.explore.outcome import Outcome
from simulator.explore.points import Catalog, Point, simulator_version
from simulator.explore.terms import Terms

SPEC, TERMS, CATALOG, POINTS = "sweep.yaml", "terms.json", "catalog.json", "points.jsonl"
JOURNALS, LOCK = "journal", "lock"
LOCAL = "local"
"""Name of the journal of a sweep that runs as one process."""


@dataclass(frozen=True)
class Frozen:
    """A sweep whose points are all known."""

    terms: Terms
    catalog: Catalog
    points: tuple[Point, ...]


class Folder:
    """The files of one sweep."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def is_frozen(self) -> bool:
        """Whether it holds the points of a sweep."""
        return all((self.path / name).is_file() for name in (TERMS, CATALOG, POINTS))

    @contextmanager
    def locked(self, *, exclusive: bool = True) -> Iterator[None]:
        """Keep other sweeps out; shards of one sweep share it. Raises ConfigError when another works here."""
        self.path.mkdir(parents=True, exist_ok=True)
        fd = os.open(self.path / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            owner = os.pread(fd, 200, 0).decode(errors="replace").strip()
            lock(
                fd,
                exclusive=exclusive,
                busy=f"{self.path}: another sweep works in this folder ({owner}); wait for it, or take another -o",
            )
            os.ftruncate(fd, 0)
            os.pwrite(fd, f"process {os.getpid()} on {os.uname().nodename}\n".encode(), 0)
            yield
        finally:
            os.close(fd)

    def freeze(self, spec: str, frozen: Frozen) -> None:
        """Write what the sweep consists of; each file whole or not at all."""
        terms = asdict(frozen.terms)
        self.write(SPEC, spec)
        self.write(TERMS, json.dumps(terms, indent=2) + "\n")
        self.write(CATALOG, frozen.catalog.to_json())
        self.write(POINTS, "".join(f"{point.to_json()}\n" for point in frozen.points))

    def write(self, name: str, content: str) -> Path:
        """Write a file so that readers see the old one or the whole new one."""
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f".{path.name}.{os.getpid()}.part")
        try:
            partial.write_text(content, encoding="utf-8")
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
        return path

    def spec(self) -> str:
        """The sweep as it was given, empty if there is none."""
        path = self.path / SPEC
        return path.read_text(encoding="utf-8") if path.is_file() else ""

    def frozen(self, *, to_run: bool = False) -> Frozen:
        """What was frozen here. Raises ConfigError when nothing was, or if it is ``to_run``, by another simulator."""
        terms = json.loads(self._read(TERMS))
        catalog = Catalog.from_json(self._read(CATALOG))
        if to_run and catalog.simulator != simulator_version():
            raise ConfigError(
                f"{self.path} was frozen by simulator {catalog.simulator}, this is {simulator_version()};"
                " sweep its YAML again"
            )
        points = tuple(Point.from_json(line) for line in self._read(POINTS).splitlines())
        return Frozen(Terms.from_data(terms), catalog, points)

    def _read(self, name: str) -> str:
        path = self.path / name
        if not path.is_file():
            raise ConfigError(f"{self.path} holds no sweep (it has no {name})")
        return path.read_text(encoding="utf-8")

    def journal(self, name: str = LOCAL) -> Journal:
        """The journal ``name``, open for appending. Raises ConfigError when another process has it."""
        return Journal(self.path / JOURNALS / f"{name}.jsonl")

    def outcomes(self) -> dict[str, Outcome]:
        """Point id -> outcome, over all journals. Of several a result wins over an error, and then the latest."""
        found: dict[str, Outcome] = {}
        for path in sorted((self.path / JOURNALS).glob("*.jsonl")):
            for outcome in read_journal(path):
                before = found.get(outcome.id)
                if before is None or before.status != "done" or outcome.status == "done":
                    found[outcome.id] = outcome
        return found

    def has_outcomes(self) -> bool:
        """Whether anything was ever recorded here."""
        return any(path.stat().st_size for path in (self.path / JOURNALS).glob("*.jsonl"))
