"""How to get a result again: the command, proved by the hashes of what it resolves to."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simulator.errors import SimulatorError

if TYPE_CHECKING:
    from simulator.api import Arch
    from simulator.metrics.result import Identity, Result
    from simulator.workload.scenario import Workload

MOST_OVERRIDES = 40
"""A platform that differs in more is another one."""


@dataclass(frozen=True)
class Again:
    """A platform that resolves to what a result was made with, and the whole command if its workload does too."""

    arch: Arch
    command: str | None


def again(result: Result) -> Again | None:
    """What gives ``result`` again; None where its platform is not to be found here as it was."""
    found = _arch(result)
    if found is None:
        return None
    arch_ref, overrides, arch = found
    for_workload = _workload(result)
    if for_workload is None:
        return Again(arch, None)
    workload_ref, more = for_workload
    words = ["nearbank", "run", arch_ref, workload_ref]
    for override in (*overrides, *(f"workload.{text}" for text in more)):
        words += ["--set", override]
    return Again(arch, shlex.join(words))


def _arch(result: Result) -> tuple[str, list[str], Arch] | None:
    from simulator import api

    for ref in _refs(result.arch, result.provenance.config_hashes):
        try:
            overrides = list(differences(api.load_arch(ref).values, result.arch.values))
            if len(overrides) <= MOST_OVERRIDES:
                arch = api.load_arch(ref, overrides)
                if arch.content_hash == result.arch.content_hash:
                    return ref, overrides, arch
        except (SimulatorError, OSError):
            continue
    return None


def _workload(result: Result) -> tuple[str, list[str]] | None:
    for ref in _refs(result.workload, result.provenance.config_hashes):
        try:
            overrides = _workload_overrides(_load_workload(ref, ()), result.workload.values)
            if _load_workload(ref, overrides).content_hash == result.workload.content_hash:
                return ref, overrides
        except (SimulatorError, OSError):
            continue
    return None


def _load_workload(ref: str, overrides: Sequence[str]) -> Workload:
    from simulator import api

    return api.load_workload(ref, overrides)


def _workload_overrides(base: Workload, values: Mapping[str, Any]) -> list[str]:
    """As `differences`, but another model is named, not described."""
    before = base.values()
    wanted = {key: value for key, value in values.items() if key != "model"}
    overrides = list(differences({key: before.get(key) for key in wanted}, wanted))
    if before["model"] != values.get("model"):
        overrides.append(f"model={values['model']['name']}")
    return overrides


def _refs(identity: Identity, files: Mapping[str, str]) -> Iterator[str]:
    """Its name, then every file that was read and is still there."""
    yield identity.name
    yield from (name for name in files if Path(name).is_file())


def differences(before: Mapping[str, Any], after: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """The overrides ``key.path=value`` that make ``before`` to ``after``; a key that went is set to null."""
    for key in dict.fromkeys((*before, *after)):
        old, new = before.get(key), after.get(key)
        if old == new:
            continue
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            yield from differences(old, new, f"{path}{key}.")
        else:
            yield f"{path}{key}={json.dumps(new)}"
