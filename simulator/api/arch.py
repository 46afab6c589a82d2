"""Platforms: what a design point resolves to, checked, and the system that it becomes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simulator.hooks import Hooks

if TYPE_CHECKING:
    from simulator.config.loader import Document
    from simulator.config.platform_schema import Calibration, Platform
    from simulator.dram.engines import EngineName
    from simulator.errors import ConfigError
    from simulator.system.builder import System


@dataclass(frozen=True)
class Arch:
    """A resolved platform: its spec, the plain data it was built from, and the files read (name -> SHA-256)."""

    spec: Platform
    values: dict[str, Any]
    files: dict[str, str]
    document: Document | None = field(default=None, repr=False, compare=False)
    """Where the values came from, so that errors found late can say so."""

    @property
    def name(self) -> str:
        """The platform's name."""
        return self.spec.name

    @property
    def content_hash(self) -> str:
        """SHA-256 of the resolved values."""
        return hashlib.sha256(json.dumps(self.values, sort_keys=True).encode()).hexdigest()

    def calibrations(self) -> tuple[Calibration, ...]:
        """The platform's own and those of its parts."""
        parts = [found for part in self.spec.components.values() for found in getattr(part, "calibrations", ())]
        return (*self.spec.calibrations, *parts)

    def guesses(self) -> tuple[str, ...]:
        """One line for each value or block whose source says that it is assumed, as far as the platform uses it.

        A single device does not use its fabric.
        """
        from simulator.config.guesses import guesses

        alone = self.spec.sized and self.spec.devices.count == 1
        parts = {
            name: component
            for name, component in self.values["components"].items()
            if not (alone and component["kind"] == "fabric")
        }
        blocks = [f"{path}: assumed" for path in guesses(self.values | {"components": parts})]
        keys = [
            f"components.{name}.{key}: {source}"
            for name, component in parts.items()
            for key, source in component.get("sources", {}).items()
            if source.strip().lower().startswith("assumed")
        ]
        return (*blocks, *keys)


def load_arch(ref: str | Path, overrides: Iterable[str] = ()) -> Arch:
    """The platform called ``ref`` (a name or a path) with ``overrides``, each ``key.path=value``.

    Raises ConfigError.
    """
    import simulator.units  # noqa: F401 - fills the registry of component kinds
    from simulator.config.loader import build, load_document
    from simulator.config.platform_schema import Platform
    from simulator.mapping.policy_names import check_policies

    document = load_document(ref, expected_kind="platform", overrides=overrides)
    spec = build(document, Platform)
    check_policies(document, spec)
    _check_areas(document, spec)
    return Arch(spec, document.data, document.files, document)


def _check_areas(document: Document, spec: Platform) -> None:
    """Every count of silicon can be computed, which needs all components."""
    from simulator.errors import ConfigError
    from simulator.metrics.area import die_area

    try:
        die_area(spec)
    except ConfigError as error:
        raise located(document, error) from None


def located(document: Document, error: ConfigError) -> ConfigError:
    """``error`` with the place in ``document`` that its key names."""
    steps = [int(step) if step.isdecimal() else step for step in error.key.split(".")]
    return document.locate(steps).error(error.message, error.key)


def check_devices(arch: Arch) -> None:
    """Raise MappingError, with its place, when the devices of ``arch`` are not those of its parallelism."""
    from simulator.errors import MappingError
    from simulator.mapping.parallel.plan import check_count

    try:
        check_count(arch.spec)
    except MappingError as error:
        if arch.document is None:
            raise
        given = ("devices", "count") if "devices" in arch.document.data else ("parallelism",)
        raise MappingError(str(arch.document.locate(given).error(str(error)))) from None


def build_for(arch: Arch, hooks: Hooks, *, exact: bool, engine: EngineName) -> System:
    """The system of ``arch``; faults of its wiring are located in its document. Raises ConfigError."""
    from simulator.config.nearest import hint
    from simulator.dram.engines import ENGINES
    from simulator.errors import ConfigError
    from simulator.system.builder import build_system

    if engine not in ENGINES:
        raise ConfigError(f"there is no engine '{engine}' (known: {', '.join(ENGINES)}){hint(engine, ENGINES)}")
    try:
        return build_system(arch.spec, exact=exact, engine=engine, hooks=hooks)
    except ConfigError as error:
        if error.file is not None or arch.document is None:
            raise
        raise located(arch.document, error) from None
