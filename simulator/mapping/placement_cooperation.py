"""Cooperation: processors and near-memory units that share one model, each op where it is best off.

`cooperation` puts attention with its cache on near-memory units and all else on processors; products with weights go to
either by rule. Its options (``placement.options``):

- ``fc``: who runs products with weights. ``xpu``: processors; ``pim``: near-memory units as far as they take them;
  ``batch``: near-memory units up to ``fc_most_vectors`` vectors; ``intensity``: up to ``fc_most_flops_per_byte``
  operations for each byte of weights; ``auto``: whoever says that it takes less time. Default ``xpu``.
- ``attention``: ``pim`` or ``xpu``, of steps with one query a sequence; ``prompt_attention``: of the others, by default
  ``xpu``.
- ``xpu``, ``pim``, ``fc_pim``: a component by name, for a platform with several; ``fc_pim`` runs products, ``pim`` the
  rest of what near-memory units do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal, Protocol, runtime_checkable

from simulator.config.nearest import hint
from simulator.config.registry import Registry
from simulator.errors import MappingError
from simulator.mapping.placement import ATTENTION, CACHE, SAMPLING, Candidate, Options, PerOp, placements
from simulator.workload.ops import AttentionOp, MatrixOp, Op

PIM_ROLES = ("gemv_unit", "channel_gemv", "near_bank", "hbm_pim", "dpu")
XPU_ROLES = ("gpu", "matrix", "systolic", "cpu", "fpga", "vector")
"""Roles of processors: first those that run whole models, then the parts of others, products before the rest."""

DEFAULTS: Mapping[str, str | int | float] = {
    "fc": "xpu", "attention": "pim", "prompt_attention": "xpu", "fc_most_vectors": 4, "fc_most_flops_per_byte": 16,
}  # fmt: skip

Side = Literal["pim", "xpu"]
Candidates = Mapping[str, Candidate]


@runtime_checkable
class Estimating(Protocol):
    """A component that can tell how long an op would take."""

    def estimate_ps(self, op: Op) -> int | None:
        """Time of the op alone; None: unknown."""


FcRule = Callable[[MatrixOp, Options, Candidates], Side]
"""(product with weights, options, components) -> the side that it should run on."""

fc_rules: Registry[FcRule] = Registry("rule for placement.options.fc")


@fc_rules.register("xpu")
def _xpu(op: MatrixOp, options: Options, parts: Candidates) -> Side:
    del op, options, parts
    return "xpu"


@fc_rules.register("pim")
def _pim(op: MatrixOp, options: Options, parts: Candidates) -> Side:
    del op, options, parts
    return "pim"


@fc_rules.register("batch")
def _batch(op: MatrixOp, options: Options, parts: Candidates) -> Side:
    """Near-memory units while few vectors meet the weights."""
    del parts
    return "pim" if op.tokens <= _number(options, "fc_most_vectors") else "xpu"


@fc_rules.register("intensity")
def _intensity(op: MatrixOp, options: Options, parts: Candidates) -> Side:
    """Near-memory units while the weights are read more than they are worked with (PAPI, ASPLOS 2025)."""
    del parts
    return "pim" if op.flops <= _number(options, "fc_most_flops_per_byte") * op.weight_bytes else "xpu"


@fc_rules.register("auto")
def _auto(op: MatrixOp, options: Options, parts: Candidates) -> Side:
    """Whoever takes less time by its own estimate; tensors on their way between the two are left out of it."""
    times = {side: _estimate(op, parts, _names(side, op, options, parts)) for side in ("pim", "xpu")}
    known = {side: time for side, time in times.items() if time is not None}
    if not known:
        raise MappingError(f"{op.name}: placement.options.fc: auto needs a component that can estimate {op.kind}")
    return "pim" if known.get("pim", float("inf")) < known.get("xpu", float("inf")) else "xpu"


def _estimate(op: Op, parts: Candidates, names: tuple[str, ...]) -> int | None:
    """The time on the first component that takes the op."""
    for name in names:
        part = parts[name]
        if part.supports(op.kind) and part.accepts(op):
            return part.estimate_ps(op) if isinstance(part, Estimating) else None
    return None


def cooperate(op: Op, options: Options, parts: Candidates) -> tuple[str, ...]:
    """Components for ``op`` in order of preference: those of the side that suits it, then the others."""
    if op.kind in SAMPLING:
        return (*_with_roles(parts, ("host",)), *_names("xpu", op, options, parts))
    side = _side(op, options, parts)
    if isinstance(op, MatrixOp):
        _check_one_memory(op, options, parts)
    other: Side = "xpu" if side == "pim" else "pim"
    return (*_names(side, op, options, parts), *_names(other, op, options, parts))


def _side(op: Op, options: Options, parts: Candidates) -> Side:
    if op.kind in CACHE:
        return _choice(options, "attention")
    if op.kind in ATTENTION and isinstance(op, AttentionOp):
        return _choice(options, "attention" if op.queries == 1 else "prompt_attention")
    if isinstance(op, MatrixOp):
        rule = str(options.get("fc", DEFAULTS["fc"]))
        if rule not in fc_rules:
            raise MappingError(f"placement.options.fc: {fc_rules.unknown(rule)}")
        return fc_rules.get(rule)(op, options, parts)
    return "xpu"


def _names(side: Side, op: Op, options: Options, parts: Candidates) -> tuple[str, ...]:
    """Components of a side: the one that the options name, or all with its roles in order."""
    key = "fc_pim" if side == "pim" and isinstance(op, MatrixOp) and "fc_pim" in options else side
    if key in options:
        name = str(options[key])
        if name not in parts:
            known = ", ".join(parts)
            raise MappingError(f"placement.options.{key}: no component '{name}' (known: {known}){hint(name, parts)}")
        return (name,)
    return _with_roles(parts, PIM_ROLES if side == "pim" else XPU_ROLES)


def _with_roles(parts: Candidates, roles: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name for role in roles for name, part in parts.items() if part.role == role)


def _choice(options: Options, key: str) -> Side:
    found = options.get(key, DEFAULTS[key])
    if found == "pim":
        return "pim"
    if found == "xpu":
        return "xpu"
    raise MappingError(f"placement.options.{key}: '{found}' is not a side (allowed: pim, xpu)")


def _number(options: Options, key: str) -> float:
    found = options.get(key, DEFAULTS[key])
    if isinstance(found, bool) or not isinstance(found, int | float) or found < 0:
        raise MappingError(f"placement.options.{key}: '{found}' is not a number of 0 or more")
    return found


def _check_one_memory(op: MatrixOp, options: Options, parts: Candidates) -> None:
    """Weights that now one side reads and now the other lie in one memory."""
    if str(options.get("fc", DEFAULTS["fc"])) in ("xpu", "pim"):
        return
    memories = {}
    for side in ("pim", "xpu"):
        for name in _names(side, op, options, parts):
            if parts[name].supports(op.kind):
                memories[side] = getattr(getattr(parts[name], "memory", None), "name", "")
                break
    if len(set(memories.values())) > 1:
        lie = " and ".join(f"'{memory}' ({side})" for side, memory in memories.items())
        raise MappingError(f"{op.name}: placement.options.fc: both sides have to read one memory, not {lie}")


OPTIONS = frozenset({*DEFAULTS, "xpu", "pim", "fc_pim"})

placements.register("cooperation")(PerOp(cooperate, follows=frozenset({"softmax"}), options=OPTIONS))
