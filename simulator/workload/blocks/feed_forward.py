"""Feed-forward parts of a block: gated (SwiGLU, GeGLU) and plain (two products and an activation)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from simulator.workload import ops
from simulator.workload.blueprint import Flow
from simulator.workload.section_builder import OUT, SectionBuilder

if TYPE_CHECKING:
    from simulator.workload.model import Model

GATED = {"silu": ops.FFN_ACT_MUL, "gelu": ops.FFN_GELU_MUL}
PLAIN = {"relu": ops.FFN_RELU, "gelu": ops.FFN_GELU}


@dataclass(frozen=True, slots=True)
class Gated:
    """activation(x W_gate) * (x W_up), times W_down."""

    kind: Literal["gated"] = "gated"
    activation: Literal["silu", "gelu"] = "silu"

    def add(self, b: SectionBuilder, model: Model, x: Flow) -> Flow:
        """The ops from the normed stream to what is added to it."""
        return gated(b, x, model.d_ff, self.activation)


def gated(b: SectionBuilder, x: Flow, wide: int, activation: str, prefix: str = "ffn") -> Flow:
    """A gated feed-forward of ``wide`` columns, whose ops and tensors are called ``prefix``."""
    gate = b.matrix(ops.FFN_GATE, x, b.width, {OUT: wide}, name=f"{prefix}_gate")[0]
    up = b.matrix(ops.FFN_UP, x, b.width, {OUT: wide}, name=f"{prefix}_up")[0]
    act = b.vector(GATED[activation], (gate, up), {OUT: b.tokens * wide}, name=f"{prefix}_act_mul")[0]
    return b.matrix(ops.FFN_DOWN, act, wide, {OUT: b.width}, name=f"{prefix}_down")[0]


@dataclass(frozen=True, slots=True)
class Plain:
    """activation(x W_up), times W_down; ``bias``: both with biases."""

    kind: Literal["plain"] = "plain"
    activation: Literal["relu", "gelu"] = "gelu"
    bias: bool = False

    def add(self, b: SectionBuilder, model: Model, x: Flow) -> Flow:
        """The ops from the normed stream to what is added to it."""
        wide = model.d_ff
        up = b.matrix(ops.FFN_UP, x, b.width, {OUT: wide}, bias=self.bias)[0]
        act = b.vector(PLAIN[self.activation], (up,), {OUT: b.tokens * wide}, name="ffn_act")[0]
        return b.matrix(ops.FFN_DOWN, act, wide, {OUT: b.width}, bias=self.bias)[0]
