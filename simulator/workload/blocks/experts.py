"""A mixture of experts: a router sends each token to some of many gated feed-forwards, and some serve all tokens."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from simulator.workload import ops
from simulator.workload.blocks.feed_forward import gated
from simulator.workload.blueprint import Flow, Weight
from simulator.workload.busiest import busiest_hits
from simulator.workload.routing import Loads, Routing
from simulator.workload.section_builder import OUT, SectionBuilder

if TYPE_CHECKING:
    from simulator.workload.model import Model
    from simulator.workload.step import Step


@dataclass(frozen=True, slots=True)
class Experts:
    """``chosen`` of ``count`` experts for each token, each as wide as the model's ``d_ff``.

    ``shared_width``: columns of the experts that serve all tokens, 0 for none; ``shared_gate``: a sigmoid scales what
    they add. ``router_bias``: the router's scores have a bias, which only the choice sees. Weights of experts that no
    token chose are not read. ``copies``: of the model, whose tokens come together at the experts; all else in a
    block is for the tokens of one. ``devices``: over which whole experts are dealt out.
    """

    count: int
    chosen: int
    kind: Literal["experts"] = "experts"
    shared_width: int = 0
    shared_gate: bool = False
    router_bias: bool = False
    routing: Routing = field(default_factory=Routing)
    copies: int = 1
    devices: int = 1

    def variant(self, step: Step, layer: int) -> int:
        """Experts that are hit."""
        return self.routing.hit(self.count, self.chosen, step.tokens * self.copies, layer)

    def busiest(self, hit: int, layer: int) -> int:
        """Of ``hit`` experts those on the busiest of several devices; 0 where there is one."""
        return busiest_hits(self.count, self.devices, hit, layer) if self.devices > 1 else 0

    def divided(self, devices: int) -> Experts:
        """The part of each of ``devices`` devices that share every expert."""
        return replace(self, shared_width=-(-self.shared_width // devices))

    def add(self, b: SectionBuilder, model: Model, x: Flow, hit: int) -> tuple[Flow, ...]:
        """The ops from the normed stream to what is added to it."""
        own, pairs = b.tokens * self.chosen, b.tokens * self.copies * self.chosen
        scores = b.matrix(ops.ROUTER, x, b.width, {OUT: self.count})[0]
        bias = Weight("route_bias", 1, self.count) if self.router_bias else None
        chosen = b.vector(ops.ROUTE, (scores,), {OUT: own}, elements=b.tokens * self.count, weight=bias)[0]
        loads = self.routing.loads(self.count, self.chosen, b.tokens * self.copies, hit)
        gate = self._product(b, ops.EXPERT_GATE, (x, chosen), (model.d_ff, b.width), loads)
        up = self._product(b, ops.EXPERT_UP, (x, chosen), (model.d_ff, b.width), loads)
        act = b.vector(ops.FFN_ACT_MUL, (gate, up), {OUT: pairs * model.d_ff}, name="expert_act_mul", rows=pairs)[0]
        down = self._product(b, ops.EXPERT_DOWN, (act,), (b.width, model.d_ff), loads)
        stream = {OUT: b.tokens * b.width}
        combined = b.vector(ops.EXPERT_COMBINE, (down, chosen), stream, elements=pairs * b.width)[0]
        return (combined, self._shared(b, x)) if self.shared_width else (combined,)

    def _product(
        self, b: SectionBuilder, kind: ops.OpKind, inputs: tuple[Flow, ...], shape: tuple[int, int], loads: Loads
    ) -> Flow:
        return b.grouped(kind, inputs, shape, loads, stored=self.count)

    def _shared(self, b: SectionBuilder, x: Flow) -> Flow:
        """The experts of all tokens."""
        out = gated(b, x, self.shared_width, "silu", prefix="shared")
        if not self.shared_gate:
            return out
        gate = b.matrix(ops.ROUTER, x, b.width, {OUT: 1}, name="shared_expert_gate")[0]
        return b.vector(ops.GATE_MUL, (out, gate), {OUT: b.tokens * b.width}, name="shared_gate_mul")[0]
