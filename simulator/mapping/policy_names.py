"""Whether the policies of a platform, and the placement options that it gives them, exist."""

from __future__ import annotations

from collections.abc import Iterable

from simulator.config.loader import Document
from simulator.config.nearest import hint
from simulator.config.platform_schema import Platform
from simulator.mapping.layout import layouts
from simulator.mapping.parallel import parallel_policies
from simulator.mapping.placement import option_names, placements
from simulator.workload.ops import OP_KINDS


def check_policies(document: Document, spec: Platform) -> None:
    """Raise ConfigError for a policy that is not there, or for an option that its placement does not read."""
    _check_names(document, spec)
    policy = spec.placement.policy
    _check_options(document, spec, f"'{policy}' has", option_names(policy))


def check_policies_apart(document: Document, spec: Platform) -> None:
    """As `check_policies`, each value by itself: an option is one of any policy."""
    _check_names(document, spec)
    known = dict.fromkeys(option for name in placements.names() for option in option_names(name))
    _check_options(document, spec, "placement has", tuple(known))


def _check_names(document: Document, spec: Platform) -> None:
    for registry, path, name in (
        (layouts, ("layout",), spec.layout),
        (placements, ("placement", "policy"), spec.placement.policy),
        (parallel_policies, ("parallelism", "policy"), spec.parallelism.policy),
    ):
        if name not in registry:
            raise document.locate(path).error(registry.unknown(name), ".".join(path))


def _check_options(document: Document, spec: Platform, who: str, known: Iterable[str]) -> None:
    own = tuple(known)
    for option in spec.placement.options:
        if option not in own and option not in OP_KINDS:
            where = ("placement", "options", option)
            allowed = f"allowed: {', '.join(own)}, or an op kind"
            near = hint(option, (*own, *OP_KINDS.names()))
            raise document.locate(where).error(f"{who} no option '{option}' ({allowed}){near}", ".".join(where))
