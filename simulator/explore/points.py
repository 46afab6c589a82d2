"""Design points, frozen: all that a worker needs to simulate one, as plain data without files.

A point names a platform and a workload of the `Catalog` and what it changes in the platform. Its id is a hash of the
resolved platform, the resolved workload and the simulator, so that equal points have equal ids in every sweep.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from simulator.config.tree import Scalar
from simulator.errors import SimulatorError
from simulator.metrics.provenance import version
from simulator.workload.scenario import Workload

ID_DIGITS = 20
MODEL_PACKAGES = ("config", "dram", "mapping", "metrics", "system", "units", "workload")
"""The parts of the simulator that figures depend on."""

_WORKLOAD = TypeAdapter(Workload)


@cache
def simulator_version() -> str:
    """Version of the simulator, with a hash of the code that figures depend on: a changed model makes new points."""
    root = Path(__file__).parents[1]
    digest = hashlib.sha256()
    for package in MODEL_PACKAGES:
        for file in sorted((root / package).rglob("*.py")):
            digest.update(file.relative_to(root).as_posix().encode())
            digest.update(file.read_bytes())
    return f"{version()}+{digest.hexdigest()[:12]}"


@dataclass(frozen=True)
class Point:
    """One design point. ``index``: its place in the sweep. ``labels``: axis -> value, as columns of the table.

    ``arch`` and ``workload`` are keys of the catalog; ``changes``: path in the platform -> value, null to remove it.
    ``cost``: how much work it is, in op executions; a guide for sharing out points, no time.
    """

    index: int
    id: str
    labels: Mapping[str, Scalar]
    arch: str
    changes: tuple[tuple[tuple[str | int, ...], Any], ...]
    workload: str
    cost: int

    def to_json(self) -> str:
        """One line."""
        return json.dumps(asdict(self), separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Point:
        """What ``to_json`` wrote."""
        data = json.loads(text)
        data["changes"] = tuple((tuple(path), value) for path, value in data["changes"])
        return cls(**data)


@dataclass(frozen=True)
class BaseArch:
    """A platform before the changes of a point: its plain data, and the files read (name -> SHA-256)."""

    name: str
    values: dict[str, Any]
    files: dict[str, str]


@dataclass
class Catalog:
    """What the points of a sweep share. ``workloads``: each as JSON. ``skip_if`` and ``exact`` as in the sweep.

    ``simulator``: the one that the ids of the points stand for; no other may evaluate them.
    """

    archs: dict[str, BaseArch] = field(default_factory=dict)
    workloads: dict[str, str] = field(default_factory=dict)
    skip_if: str | None = None
    exact: bool = False
    simulator: str = field(default_factory=simulator_version)

    def arch_values(self, point: Point) -> dict[str, Any]:
        """The resolved platform of ``point``, as plain data."""
        values: Any = self.archs[point.arch].values
        for path, value in point.changes:
            values = _changed(values, path, value)
        assert isinstance(values, dict)
        return values

    def load_workload(self, point: Point) -> Workload:
        """The workload of ``point``."""
        return _WORKLOAD.validate_json(self.workloads[point.workload])

    def part_for(self, points: Iterable[Point], known: set[str]) -> Catalog:
        """What ``points`` need beyond the keys ``known``, which it adds to."""
        keys = {key for point in points for key in (point.arch, point.workload)} - known
        known |= keys
        return Catalog(
            {key: arch for key, arch in self.archs.items() if key in keys},
            {key: workload for key, workload in self.workloads.items() if key in keys},
            self.skip_if,
            self.exact,
            self.simulator,
        )

    def add(self, other: Catalog) -> None:
        """Take over what ``other`` has. Raises SimulatorError when it is of another simulator than this process."""
        if other.simulator != simulator_version():
            raise SimulatorError(f"the sweep is of simulator {other.simulator}, a worker is {simulator_version()}")
        self.archs.update(other.archs)
        self.workloads.update(other.workloads)
        self.skip_if, self.exact = other.skip_if, other.exact

    def to_json(self) -> str:
        """One JSON document."""
        return json.dumps(asdict(self), separators=(",", ":")) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Catalog:
        """What ``to_json`` wrote."""
        data = json.loads(text)
        return cls(**(data | {"archs": {key: BaseArch(**arch) for key, arch in data["archs"].items()}}))


def workload_json(workload: Workload) -> str:
    """A workload as the catalog keeps it."""
    return _WORKLOAD.dump_json(workload).decode()


def content_hash(data: Any) -> str:
    """SHA-256 of plain data."""
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()


def point_id(arch_hash: str, workload_hash: str, *, exact: bool) -> str:
    """The id of a design point in this simulator."""
    return content_hash([arch_hash, workload_hash, exact, simulator_version()])[:ID_DIGITS]


def _changed(values: Any, path: tuple[str | int, ...], value: Any) -> Any:
    """A copy of ``values`` with ``value`` at ``path``, as `tree.replace`; what is not on the path is shared."""
    step, rest = path[0], path[1:]
    if isinstance(values, list):
        return [_changed_item(item, rest, value) if at == step else item for at, item in enumerate(values)]
    changed = dict(values or {})
    if not rest and value is None and step in changed:
        del changed[step]
    else:
        changed[step] = _changed_item(changed.get(step), rest, value)
    return changed


def _changed_item(item: Any, rest: tuple[str | int, ...], value: Any) -> Any:
    return _changed(item, rest, value) if rest else value
