"""From a proposal (labels and settings) to a frozen point: documents loaded, overrides applied, the id computed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from simulator.config import paths
from simulator.config.loader import Document, load_document
from simulator.config.overrides import (
    WORKLOAD_PREFIX,
    Override,
    apply_override,
    for_workload,
    override_path,
)
from simulator.config.platform_schema import Platform
from simulator.config.tree import Node
from simulator.config.validation import build_by_types
from simulator.errors import ConfigError, WorkloadError
from simulator.explore.points import BaseArch, Catalog, Point, content_hash, point_id, workload_json
from simulator.explore.space import Proposal, Setting
from simulator.mapping.policy_names import check_policies_apart
from simulator.workload.scenario import Workload, load_workload

ARCH, WORKLOAD = "arch", "workload"


class Resolver:
    """Resolves the proposals of one sweep and fills its ``catalog``. ``arch`` and ``workload``: what it names itself.

    ``prepare`` makes the kinds of component known before a platform is checked.
    """

    def __init__(self, arch: Node, workload: Node, catalog: Catalog, prepare: Callable[[], None]) -> None:
        self.catalog = catalog
        self._arch, self._workload = Setting(ARCH, arch), Setting(WORKLOAD, workload)
        self._bases: dict[tuple[str, ...], tuple[str, Document]] = {}
        self._workloads: dict[tuple[str, ...], tuple[str, str, int]] = {}
        self._next = 0
        prepare()

    def point(self, proposal: Proposal) -> Point:
        """The point of ``proposal``, numbered in the order of the calls. Raises ConfigError, WorkloadError."""
        base, document, overrides = self._base(proposal)
        root, changes = document.root, []
        for override in overrides:
            changes.append((override_path(root, override), override.value.plain()))
            root = apply_override(root, override)
        workload, workload_hash, cost = self._frozen_workload(proposal)
        arch_hash = content_hash(root.plain())
        index, self._next = self._next, self._next + 1
        return Point(
            index=index,
            id=point_id(arch_hash, workload_hash, exact=self.catalog.exact),
            labels=dict(proposal.labels),
            arch=base,
            changes=tuple(changes),
            workload=workload,
            cost=cost,
        )

    def check(self, proposal: Proposal) -> None:
        """Raise ConfigError for a value that is wrong by itself, whatever the others are."""
        _, document, overrides = self._base(proposal)
        root = document.root
        for override in overrides:
            root = apply_override(root, override)
        changed = Document(document.name, root, document.files)
        check_policies_apart(changed, build_by_types(changed, Platform))
        try:
            self._load_workload(proposal)
        except WorkloadError:
            return  # Too many tokens for a model is a matter of two values; the point that has both will say so.

    def resolved(self, proposal: Proposal) -> tuple[dict[str, Any], Workload]:
        """The platform's plain data and the workload of ``proposal``. Raises as `point` does."""
        _, document, overrides = self._base(proposal)
        root = document.root
        for override in overrides:
            root = apply_override(root, override)
        values: dict[str, Any] = root.plain()
        return values, self._load_workload(proposal)

    def _base(self, proposal: Proposal) -> tuple[str, Document, list[Override]]:
        """Catalog key and document of the platform, and the overrides that are left to apply."""
        setting = _last(proposal, ARCH) or self._arch
        overrides = [
            _override(s) for s in proposal.settings if s.path not in (ARCH, WORKLOAD) and not for_workload(s.path)
        ]
        swaps = [override for override in overrides if override.swaps_document]
        path = _find(setting, "platform")
        key = (str(path), *(f"{'.'.join(swap.path)}={swap.value.plain()}" for swap in swaps))
        if key not in self._bases:
            document = load_document(path, expected_kind="platform", overrides=swaps)
            name = content_hash([document.data, document.files])[:16]
            self.catalog.archs[name] = BaseArch(document.name, document.data, document.files)
            self._bases[key] = name, document
        return (*self._bases[key], [override for override in overrides if not override.swaps_document])

    def _frozen_workload(self, proposal: Proposal) -> tuple[str, str, int]:
        """Catalog key, content hash and cost of the workload."""
        settings = [s for s in proposal.settings if s.path == WORKLOAD or for_workload(s.path)]
        key = tuple(f"{setting.path}={setting.value.plain()}" for setting in settings)
        if key not in self._workloads:
            workload = self._load_workload(proposal)
            text = workload_json(workload)
            name = content_hash(text)[:16]
            self.catalog.workloads[name] = text
            self._workloads[key] = name, workload.content_hash, _cost(workload)
        return self._workloads[key]

    def _load_workload(self, proposal: Proposal) -> Workload:
        setting = _last(proposal, WORKLOAD) or self._workload
        overrides = [_override(s) for s in proposal.settings if for_workload(s.path)]
        return load_workload(_find(setting, "workload"), overrides)


def _cost(workload: Workload) -> int:
    """Layers times simulated steps; the prompt's pass is one step."""
    return workload.model.n_layers * (len(workload.decode_steps()) + 1)


def _override(setting: Setting) -> Override:
    path = tuple(part.strip() for part in setting.path.removeprefix(WORKLOAD_PREFIX).split("."))
    if not all(path):
        raise setting.value.origin.error(f"'{setting.path}' is not a dotted path", setting.path)
    return Override(path, setting.value)


def _last(proposal: Proposal, path: str) -> Setting | None:
    return next((setting for setting in reversed(proposal.settings) if setting.path == path), None)


def _find(setting: Setting, kind: str) -> Path:
    """The file that a setting names; a relative path starts from the sweep's folder."""
    origin, ref = setting.value.origin, setting.value.value
    if not isinstance(ref, str):
        raise origin.error(f"the name of a {kind} is needed, not '{setting.value.plain()}'", setting.path)
    try:
        return paths.find(ref, kinds=(kind,), base=Path(origin.file).parent if origin.line else None)
    except ConfigError as error:
        message = error.message if error.file is None else f"{error.message}: {error.file}"
        raise origin.error(message, setting.path) from None
