"""What units make of weights with zeros, by the pattern of the zeros."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, TypeVar

from simulator.config.base_schema import Spec
from simulator.units.base import Surroundings, key_like
from simulator.units.formats import dense, multiplied_dense, tell
from simulator.workload.encoding import Encoding
from simulator.workload.ops import Op

SparsePattern = Annotated[
    str,
    key_like(r"[1-9]\d?:[1-9]\d?|n_m|unstructured", "a pattern of zeros", "n_m, unstructured, or one as 2:4"),
]
"""``2:4`` and the like, ``n_m`` for any such, or ``unstructured``."""


class SparseMacs(Spec):
    """What multiply-adds make of a pattern of zeros; weights stay packed in memory.

    ``macs``: elements ``kept`` are multiplied and no others; ``gated``: zeros take the time of a multiply-add but not
    its energy; ``dense``: zeros are multiplied like other elements.
    """

    macs: Literal["kept", "gated", "dense"]
    source: str


Support = TypeVar("Support", bound=SparseMacs)


def support_of(encoding: Encoding, known: Mapping[str, Support]) -> tuple[str, Support | None]:
    """(what messages call the pattern, what a unit that ``known`` describes makes of it)."""
    if encoding.pattern == "unstructured":
        return "unstructured sparse", known.get("unstructured")
    exact = f"{encoding.n}:{encoding.m}"
    return exact, known.get(exact, known.get("n_m"))


def take_sparse(op: Op, known: Mapping[str, SparseMacs], around: Surroundings, unit: str) -> Op:
    """``op`` as ``unit`` can use its zeros: unchanged, packed but multiplied whole, or whole; said in the result."""
    encoding = op.encoding
    if encoding is None or encoding.pattern == "dense":
        return op
    pattern, support = support_of(encoding, known)
    if support is None:
        tell(around, unit, f"it has no use for {pattern} weights: they lie and are multiplied with their zeros")
        return dense(op)
    if support.macs == "dense":
        tell(around, unit, f"{pattern} weights stay packed in memory, their zeros are multiplied")
        return multiplied_dense(op)
    if support.macs == "gated":
        tell(around, unit, f"{pattern} weights stay packed in memory; their zeros take time but no arithmetic energy")
    return op
