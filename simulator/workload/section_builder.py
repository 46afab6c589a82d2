"""`SectionBuilder`: puts a section of a step graph together op by op, so that edges and operand bytes always agree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from simulator.workload import ops
from simulator.workload.blueprint import Blueprint, Flow, Section, Weight, Wire
from simulator.workload.encoding import met_by_floats
from simulator.workload.precision import Precision
from simulator.workload.step import Step

OUT = "out"
"""What an op with one result calls it."""

Norm = Literal["rmsnorm", "layernorm"]
NORM_ROWS: Mapping[str, int] = {"rmsnorm": 1, "layernorm": 2}
"""Weight vectors of a norm: a scale, and for ``layernorm`` a bias."""


class SectionBuilder:
    """Collects ops for ``step`` of a model of ``width`` elements a token.

    Every method adds one op, reads the flows it is given, and gives the flows it puts out. ``tokens``: token positions
    that the section's ops work on.
    """

    def __init__(self, step: Step, precision: Precision, width: int, *, tokens: int | None = None) -> None:
        self.step = step
        self.precision = precision
        self.width = width
        self.tokens = step.tokens if tokens is None else tokens
        self._blueprints: list[Blueprint] = []
        self._wires: list[Wire] = []

    def input(self) -> Flow:
        """The residual stream as it comes in."""
        return Flow(None, OUT, self.activation_bytes(self.tokens * self.width))

    def activation_bytes(self, elements: int) -> int:
        """Bytes of an activation."""
        return self.precision.activation_bytes(elements)

    def build(self, out: Flow) -> Section:
        """The section, which hands on ``out``."""
        return Section(tuple(self._blueprints), tuple(self._wires), out)

    def add(  # noqa: PLR0913 - what an op is made of
        self,
        op_class: type[ops.Op],
        kind: ops.OpKind,
        inputs: Sequence[Flow],
        outputs: Mapping[str, int],
        *,
        name: str | None = None,
        weight: Weight | None = None,
        **values: Any,
    ) -> tuple[Flow, ...]:
        """Any op: what it puts out is ``outputs``, label -> elements; ``values`` are its own fields."""
        name = name or kind.name
        flows = tuple(Flow(name, label, self.activation_bytes(elements)) for label, elements in outputs.items())
        own = {
            "kind": kind.name,
            **({"weight_bytes": self.precision.weight_bytes(weight.elements)} if weight else {}),
            "input_bytes": sum(flow.n_bytes for flow in inputs),
            "output_bytes": sum(flow.n_bytes for flow in flows),
        }
        self._blueprints.append(Blueprint(name, op_class, own | values, weight))
        self._wires += [Wire(flow, name) for flow in inputs]
        return flows

    def matrix(  # noqa: PLR0913 - a product, and what is named otherwise than usual
        self,
        kind: ops.OpKind,
        x: Flow,
        in_features: int,
        outputs: Mapping[str, int],
        *,
        bias: bool = False,
        name: str | None = None,
        weight: str | None = None,
    ) -> tuple[Flow, ...]:
        """``x`` times a weight; ``outputs``: label -> features. A bias is an op of its own behind it."""
        name = name or kind.name
        rows = sum(outputs.values())
        labels = {OUT: rows} if bias else dict(outputs)
        flows = self.add(
            ops.MatrixOp,
            kind,
            (x,),
            {label: self.tokens * features for label, features in labels.items()},
            name=name,
            weight=Weight(weight or name, rows, in_features),
            out_features=rows,
            in_features=in_features,
            tokens=self.tokens,
            flops=2 * rows * in_features * self.tokens,
            encoding=met_by_floats(self.precision, rows, in_features),
        )
        if not bias:
            return flows
        whole = {label: self.tokens * features for label, features in outputs.items()}
        return self.vector(ops.BIAS_ADD, flows, whole, name=f"{name}_bias", weight=Weight(f"{name}_bias", 1, rows))

    def grouped(
        self,
        kind: ops.OpKind,
        inputs: Sequence[Flow],
        shape: tuple[int, int],
        loads: tuple[tuple[int, int], ...],
        *,
        stored: int,
    ) -> Flow:
        """Products with matrices of ``shape`` (outputs, inputs): of ``stored`` those in ``loads`` are read."""
        rows, columns = shape
        vectors, matrices = sum(v * n for v, n in loads), sum(n for _, n in loads)
        return self.add(
            ops.GroupedMatrixOp,
            kind,
            inputs,
            {OUT: vectors * rows},
            weight=Weight(kind.name, rows, columns, stored),
            weight_bytes=matrices * self.precision.weight_bytes(rows * columns),
            out_features=rows,
            in_features=columns,
            loads=loads,
            flops=2 * rows * columns * vectors,
            encoding=met_by_floats(self.precision, rows, columns),
        )[0]

    def vector(  # noqa: PLR0913 - an element-wise op, and what is named otherwise than usual
        self,
        kind: ops.OpKind,
        inputs: Sequence[Flow],
        outputs: Mapping[str, int],
        *,
        name: str | None = None,
        elements: int | None = None,
        rows: int | None = None,
        weight: Weight | None = None,
    ) -> tuple[Flow, ...]:
        """An element-wise or row-wise op on as many elements as it puts out, unless ``elements`` says otherwise."""
        count = sum(outputs.values()) if elements is None else elements
        return self.add(
            ops.VectorOp,
            kind,
            inputs,
            outputs,
            name=name,
            weight=weight,
            elements=count,
            rows=self.tokens if rows is None else rows,
            flops=kind.flops_per_element * count,
        )

    def norm(self, name: str, x: Flow, kind: Norm = "rmsnorm") -> Flow:
        """A norm of the residual stream."""
        weight = Weight(name, NORM_ROWS[kind], self.width)
        return self.vector(ops.OP_KINDS.get(kind), (x,), {OUT: self.tokens * self.width}, name=name, weight=weight)[0]

    def residual(self, name: str, *terms: Flow) -> Flow:
        """The sum of the residual stream and what is added to it."""
        elements = self.tokens * self.width
        return self.vector(ops.RESIDUAL_ADD, terms, {OUT: elements}, name=name, elements=(len(terms) - 1) * elements)[0]
