"""`Transformer`: blocks of attention and feed-forward, in the arrangements that models use."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, NamedTuple

from simulator.workload import ops
from simulator.workload.architecture import Architecture, embedding
from simulator.workload.blocks.attention import Attention
from simulator.workload.blocks.experts import Experts
from simulator.workload.blocks.feed_forward import Gated, Plain, gated
from simulator.workload.blocks.latent_attention import LatentAttention
from simulator.workload.blueprint import Flow, Weight
from simulator.workload.layer_memory import LayerMemory
from simulator.workload.section_builder import OUT, SectionBuilder
from simulator.workload.step import Step

if TYPE_CHECKING:
    from simulator.workload.model import Model

Arrangement = Literal["pre", "sandwich", "parallel"]


class Variant(NamedTuple):
    """What tells blocks apart: their window, whether their feed-forward is a dense one, and experts that are hit.

    ``busiest``: of those the ones on the busiest device, where they lie on several.
    """

    window: int | None
    dense: bool
    hit: int
    busiest: int


@dataclass(frozen=True, slots=True)
class Transformer(Architecture):
    """Attention and feed-forward, each added to the residual stream.

    ``arrangement``: ``pre`` norms the input of both; ``sandwich`` also what they add; ``parallel`` gives both the same
    input, with ``parallel_norms`` norms of it. The first ``dense_layers`` have a gated feed-forward of ``dense_width``
    columns instead. ``window``: tokens that a layer attends to, in all layers but each
    ``full_every``-th; None: all of them. ``positions``: rows of a learned table of positions, 0 for none.
    ``scaled_embedding``: the embedding is multiplied by a number; ``final_softcap``: logits pass a soft cap.
    """

    attention: Attention | LatentAttention = field(default_factory=Attention)
    feed_forward: Gated | Plain | Experts = field(default_factory=Gated)
    dense_layers: int = 0
    dense_width: int = 0
    arrangement: Arrangement = "pre"
    parallel_norms: int = 1
    window: int | None = None
    full_every: int | None = None
    positions: int = 0
    scaled_embedding: bool = False
    final_softcap: bool = False

    def prologue(self, b: SectionBuilder, model: Model) -> Flow:
        """As `Architecture.prologue`, with scale or positions."""
        x = embedding(b, model, scaled=self.scaled_embedding)
        elements = b.tokens * b.width
        if self.positions:
            x = b.add(
                ops.LookupOp,
                ops.POSITION_EMBEDDING,
                (x,),
                {OUT: elements},
                weight=Weight("embed_positions", self.positions, b.width),
                weight_bytes=b.precision.weight_bytes(elements),
                table_rows=self.positions,
                width=b.width,
                tokens=b.tokens,
                flops=elements,
            )[0]
        return x

    def variant(self, model: Model, step: Step, layer: int) -> Variant:
        """The window of the layer, and what its feed-forward does."""
        del model
        dense, part = layer < self.dense_layers, self.feed_forward
        if dense or not isinstance(part, Experts):
            return Variant(self.layer_window(layer), dense, 0, 0)
        hit = part.variant(step, layer)
        return Variant(self.layer_window(layer), dense, hit, part.busiest(hit, layer))

    def layer_window(self, layer: int) -> int | None:
        """Tokens that ``layer`` attends to; None: all."""
        if self.full_every is not None and (layer + 1) % self.full_every == 0:
            return None
        return self.window

    def block(self, b: SectionBuilder, model: Model, variant: Variant) -> Flow:
        """As `Architecture.block`."""
        x = b.input()
        if self.arrangement == "parallel":
            return self._parallel(b, model, x, variant)
        added = self.attention.add(b, model, b.norm("attn_norm", x, self.norm), variant.window)
        x = b.residual("attn_residual", x, self._behind(b, "attn_post_norm", added))
        terms = self._fed_forward(b, model, b.norm("ffn_norm", x, self.norm), variant)
        return b.residual("ffn_residual", x, *(self._behind(b, "ffn_post_norm", term) for term in terms))

    def _fed_forward(self, b: SectionBuilder, model: Model, x: Flow, variant: Variant) -> tuple[Flow, ...]:
        part = self.feed_forward
        if variant.dense:
            return (gated(b, x, self.dense_width, "silu"),)
        if isinstance(part, Experts):
            return part.add(b, model, x, variant.hit)
        return (part.add(b, model, x),)

    def _behind(self, b: SectionBuilder, name: str, x: Flow) -> Flow:
        return b.norm(name, x, self.norm) if self.arrangement == "sandwich" else x

    def _parallel(self, b: SectionBuilder, model: Model, x: Flow, variant: Variant) -> Flow:
        normed = b.norm("attn_norm", x, self.norm)
        second = b.norm("ffn_norm", x, self.norm) if self.parallel_norms > 1 else normed
        attended = self.attention.add(b, model, normed, variant.window)
        return b.residual("ffn_residual", x, attended, *self._fed_forward(b, model, second, variant))

    def divided(self, model: Model, devices: int) -> Model:
        """As `Architecture.divided`, with dense and shared feed-forwards cut too."""
        part = self.feed_forward
        own = replace(
            self,
            dense_width=-(-self.dense_width // devices),
            feed_forward=part.divided(devices) if isinstance(part, Experts) else part,
        )
        # The sizes of the parent class; a dataclass with slots has no zero-argument super().
        return replace(Architecture.divided(self, model, devices), architecture=own)

    def logits(self, b: SectionBuilder, model: Model, x: Flow) -> Flow:
        """The final soft cap, if there is one."""
        if not self.final_softcap:
            return x
        return b.vector(ops.SOFTCAP, (x,), {OUT: b.tokens * model.vocab_size}, name="logit_softcap")[0]

    def memory(self, model: Model) -> tuple[LayerMemory, ...]:
        """What attention keeps, of all tokens or of a window."""
        windows = [self.layer_window(layer) for layer in range(model.n_layers)]
        return tuple(self.attention.memory(model, windows.count(window), window) for window in dict.fromkeys(windows))


LLAMA = Transformer()
"""RMSNorm, rotary attention, SwiGLU, no biases."""
