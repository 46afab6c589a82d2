"""RWKV-6 (Finch): a matrix-valued state for each head with a decay that depends on the data, and token shifts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from simulator.workload import ops
from simulator.workload import state_kinds as kinds
from simulator.workload.architecture import Architecture
from simulator.workload.blocks.state import NO_LIMIT, low_rank, stateful
from simulator.workload.blueprint import Flow, Weight
from simulator.workload.hf_config import Reader, hf_readers, split_heads
from simulator.workload.hf_fields import HfFields
from simulator.workload.layer_memory import LayerMemory
from simulator.workload.section_builder import OUT, SectionBuilder

if TYPE_CHECKING:
    from simulator.workload.model import Model
    from simulator.workload.step import Step

MIXES = 5
"""Inputs that are mixed with the token before: of decay, key, value, receptance and gate."""


@dataclass(frozen=True, slots=True)
class Rwkv6(Architecture):
    """``mix_rank``, ``decay_rank``: of the low-rank products that make mixes and decays depend on the data."""

    mix_rank: int = 32
    decay_rank: int = 64

    def variant(self, model: Model, step: Step, layer: int) -> bool:
        """Whether the block is the first."""
        del model, step
        return layer == 0

    def block(self, b: SectionBuilder, model: Model, variant: bool) -> Flow:  # noqa: FBT001 - what `variant` gives
        """As `Architecture.block`."""
        x = b.norm("embed_norm", b.input(), "layernorm") if variant else b.input()
        x = b.residual("attn_residual", x, self._time_mix(b, model, b.norm("attn_norm", x, "layernorm")))
        return b.residual("ffn_residual", x, self._channel_mix(b, model, b.norm("ffn_norm", x, "layernorm")))

    def _time_mix(self, b: SectionBuilder, model: Model, x: Flow) -> Flow:
        d, n, inner = b.width, b.tokens, model.q_features
        mixed = self._mix(b, x)
        r, k, v, g = (
            b.matrix(kinds.TIME_PROJ, one, d, {OUT: inner}, name=name)[0]
            for one, name in zip(mixed, ("receptance", "key", "value", "gate"), strict=False)
        )
        w = low_rank(b, mixed[-1], "decay", self.decay_rank, inner, activation=kinds.TANH)
        w = b.vector(kinds.DECAY, (w,), {OUT: n * inner}, weight=Weight("time_decay", 1, inner))[0]
        state = inner * model.head_dim
        bonus = Weight("time_first", 1, inner)
        (y,) = stateful(b, kinds.WKV6_UPDATE, (r, k, v, w), {OUT: n * inner}, per_token=state, kept=state, weight=bonus)
        rows, weight = n * model.n_heads, Weight("head_norm", 2, inner)
        y = b.vector(ops.LAYERNORM, (y,), {OUT: n * inner}, name="head_norm", rows=rows, weight=weight)[0]
        y = b.vector(ops.FFN_ACT_MUL, (g, y), {OUT: n * inner}, name="gate_mul")[0]
        return b.matrix(ops.OUT_PROJ, y, inner, {OUT: d})[0]

    def _mix(self, b: SectionBuilder, x: Flow) -> tuple[Flow, ...]:
        """``x`` and the token before it, mixed in five ways."""
        d, n, rank = b.width, b.tokens, self.mix_rank
        weight = Weight("time_mix", MIXES + 1, d)
        (shifted,) = stateful(
            b, kinds.TOKEN_SHIFT, (x,), {OUT: n * d}, per_token=d, kept=d, name="time_shift", weight=weight
        )
        down = b.matrix(kinds.LOW_RANK, shifted, d, {OUT: MIXES * rank}, name="mix_down")[0]
        act = b.vector(kinds.TANH, (down,), {OUT: n * MIXES * rank}, name="mix_act")[0]
        up = b.grouped(kinds.MIX_UP, (act,), (d, rank), ((n, MIXES),), stored=MIXES)
        labels = ("r", "k", "v", "g", "w")
        return b.vector(kinds.MIX, (shifted, up), dict.fromkeys(labels, n * d), name="time_mixes")

    @staticmethod
    def _channel_mix(b: SectionBuilder, model: Model, x: Flow) -> Flow:
        d, n, wide = b.width, b.tokens, model.d_ff
        weight = Weight("channel_mix", 2, d)
        kx, rx = stateful(
            b,
            kinds.TOKEN_SHIFT,
            (x,),
            {"k": n * d, "r": n * d},
            per_token=2 * d,
            kept=d,
            name="channel_shift",
            weight=weight,
        )
        k = b.matrix(ops.FFN_UP, kx, d, {OUT: wide})[0]
        k = b.vector(kinds.RELU_SQUARE, (k,), {OUT: n * wide}, name="ffn_act")[0]
        v = b.matrix(ops.FFN_DOWN, k, wide, {OUT: d})[0]
        r = b.matrix(kinds.TIME_PROJ, rx, d, {OUT: d}, name="ffn_receptance")[0]
        return b.vector(ops.GATE_MUL, (v, r), {OUT: n * d}, name="ffn_gate_mul", elements=n * d)[0]

    def memory(self, model: Model) -> tuple[LayerMemory, ...]:
        """A matrix for each head, and the token before of both mixes."""
        return (LayerMemory(model.n_layers, fixed=model.q_features * model.head_dim + 2 * model.d_model),)


FIELDS = (
    "hidden_size", "num_hidden_layers", "head_size", "attention_hidden_size", "intermediate_size", "vocab_size",
)  # fmt: skip

WIDE = 4096
"""From this width on the low-rank products are twice as wide (RWKV-LM, RWKV-v5/src/model.py)."""


def read(fields: HfFields) -> dict[str, Any]:
    """Sizes; the ranks follow from the width, and so does a feed-forward that the file leaves open."""
    d_model = fields.whole("hidden_size")
    if fields.whole("attention_hidden_size", d_model) != d_model:
        fields.fail("attention_hidden_size", f"a state of another width is not modelled (allowed: {d_model})")
    head_dim = fields.whole("head_size")
    split_heads(fields, d_model, head_dim, ("hidden_size", "head_size"))
    scale = 2 if d_model >= WIDE else 1
    return {
        "n_layers": fields.whole("num_hidden_layers"),
        "d_model": d_model,
        "n_heads": d_model // head_dim,
        "n_kv_heads": d_model // head_dim,
        "head_dim": head_dim,
        "d_ff": fields.whole("intermediate_size", int(d_model * 3.5) // 32 * 32),
        "vocab_size": fields.whole("vocab_size"),
        "max_position": NO_LIMIT,
        "tie_embeddings": fields.flag("tie_word_embeddings"),
        "architecture": Rwkv6(norm="layernorm", mix_rank=32 * scale, decay_rank=64 * scale),
    }


hf_readers.register("Rwkv6ForCausalLM")(Reader("rwkv6", read, FIELDS))
