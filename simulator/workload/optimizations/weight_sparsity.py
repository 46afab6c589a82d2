"""Weight sparsity: zeros that are left out of memory and, where a unit can, out of the arithmetic."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from typing import Annotated, Literal

from pydantic import Field

from simulator.config.faults import Fault, semantic_check
from simulator.workload.encoding import Encoding
from simulator.workload.ops import LM_HEAD, GroupedMatrixOp, MatrixOp, Op
from simulator.workload.optimizations.base import Graph, Optimization, StepView, optimization
from simulator.workload.optimizations.graphs import Once, encoded, encoding_of, has_weights, ops_of
from simulator.workload.optimizations.kinds import unknown_kinds

Neighbours = Annotated[int, Field(ge=1, le=256)]


@optimization("weight_sparsity")
class WeightSparsity(Optimization):
    """All products but those of the kinds in ``skip`` have sparse weights.

    ``pattern`` ``n_m``: ``n`` of each ``m`` neighbours in a row are kept, each with the index of its place among them.
    ``unstructured``: a ``density`` of all elements, found by a ``bitmap`` of one bit an element or by an index of
    ``index_bits`` each.
    """

    order = 30

    pattern: Literal["n_m", "unstructured"]
    n: Neighbours | None = None
    m: Neighbours | None = None
    density: Annotated[float, Field(gt=0, le=1)] | None = None
    index: Literal["bitmap", "offset"] | None = None
    index_bits: Annotated[int, Field(ge=1, le=32)] | None = None
    skip: tuple[str, ...] = ()

    def rewrite(self, graph: Graph, view: StepView) -> Graph:
        """Bytes and multiply-adds of the products."""

        def change(op: Op) -> Op:
            assert isinstance(op, MatrixOp | GroupedMatrixOp)
            return encoded(op, self._sparse(encoding_of(op, view.precision)))

        once = Once(change)
        for name, op in ops_of(graph):
            if has_weights(op) and op.kind not in self.skip and not self._keeps_all:
                graph.nodes[name]["op"] = once(op)
        return graph

    @property
    def _keeps_all(self) -> bool:
        return self.density == 1 or (self.n is not None and self.n == self.m)

    def _sparse(self, encoding: Encoding) -> Encoding:
        if self.pattern == "n_m":
            assert self.n is not None
            assert self.m is not None
            return replace(encoding, pattern="n_m", n=self.n, m=self.m, index_bits=(self.m - 1).bit_length())
        return replace(
            encoding,
            pattern="unstructured",
            density=Fraction(str(self.density)),
            bitmap_bits=int(self.index == "bitmap"),
            index_bits=self.index_bits or 0,
        )

    def quality(self) -> dict[str, object] | None:
        """Which elements are kept, not how they are found; None if all are."""
        if self._keeps_all:
            return None
        skipped = sorted(set(self.skip) - {LM_HEAD.name})
        return {"pattern": self.pattern, "n": self.n, "m": self.m, "density": self.density, "skip": skipped}

    def assumptions(self) -> tuple[str, ...]:
        """How zeros are spread."""
        if self._keeps_all:
            return ("every element is kept, so that nothing changes",)
        if self.pattern == "n_m":
            return ("every row of weights has whole groups; scales of quantised groups are kept for all of them",)
        return ("zeros are spread evenly; a row's number of kept elements varies as independent draws do",)


NEEDED = {"n_m": ("n", "m"), "unstructured": ("density", "index")}
REFUSED = {"n_m": ("density", "index", "index_bits"), "unstructured": ("n", "m")}


@semantic_check(WeightSparsity)
def _complete(block: WeightSparsity) -> Iterator[Fault]:
    yield from unknown_kinds("skip", block.skip)
    for key in NEEDED[block.pattern]:
        if getattr(block, key) is None:
            yield Fault((), f"the pattern {block.pattern} needs the key '{key}'")
    for key in REFUSED[block.pattern]:
        if getattr(block, key) is not None:
            yield Fault((key,), f"the pattern {block.pattern} has no '{key}'")
    if block.n is not None and block.m is not None and block.n > block.m:
        yield Fault(("n",), f"{block.n} of {block.m} cannot be kept (allowed: 1..{block.m})")
    if (block.index == "offset") != (block.index_bits is not None):
        yield Fault(("index_bits",), "index_bits goes with the index 'offset', and only with it")
