"""RWKV-7 (Goose): a matrix-valued state for each head that a generalised delta rule updates."""

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

MIXES = ("r", "w", "k", "v", "a", "g")


@dataclass(frozen=True, slots=True)
class Rwkv7(Architecture):
    """Ranks of the low-rank products that make decay, learning rate, value residual and gate depend on the data."""

    decay_rank: int = 64
    rate_rank: int = 64
    value_rank: int = 32
    gate_rank: int = 128

    def variant(self, model: Model, step: Step, layer: int) -> bool:
        """Whether the block is the first."""
        del model, step
        return layer == 0

    def block(self, b: SectionBuilder, model: Model, variant: bool) -> Flow:  # noqa: FBT001 - what `variant` gives
        """As `Architecture.block`."""
        x = b.norm("embed_norm", b.input(), "layernorm") if variant else b.input()
        normed = b.norm("attn_norm", x, "layernorm")
        x = b.residual("attn_residual", x, self._time_mix(b, model, normed, first=variant))
        return b.residual("ffn_residual", x, self._channel_mix(b, model, b.norm("ffn_norm", x, "layernorm")))

    def _time_mix(self, b: SectionBuilder, model: Model, x: Flow, *, first: bool) -> Flow:
        d, n, inner = b.width, b.tokens, model.q_features
        outputs, weight = dict.fromkeys(MIXES, n * d), Weight("time_mix", len(MIXES), d)
        r, w, k, v, a, g = stateful(
            b, kinds.TOKEN_SHIFT, (x,), outputs, per_token=len(MIXES) * d, kept=d, name="time_shift", weight=weight
        )
        parts = [b.matrix(kinds.TIME_PROJ, one, d, {OUT: inner}, name=name)[0]
                 for one, name in ((r, "receptance"), (k, "key"), (v, "value"))]  # fmt: skip
        parts += [low_rank(b, w, "decay", self.decay_rank, inner, activation=kinds.TANH)]
        parts += [low_rank(b, a, "rate", self.rate_rank, inner, activation=None)]
        parts += [] if first else [low_rank(b, v, "residual", self.value_rank, inner, activation=None)]
        gate = low_rank(b, g, "gate", self.gate_rank, inner, activation=kinds.SIGMOID)
        # Biases of decay and rate (and of the residual of values), scales of the keys: five or four vectors.
        weight = Weight("state_inputs", 4 if first else 5, inner)
        inputs = b.vector(kinds.STATE_INPUTS, parts, {"all": 6 * n * inner}, elements=n * inner, weight=weight)
        state = inner * model.head_dim
        (y,) = stateful(b, kinds.WKV7_UPDATE, inputs, {OUT: n * inner}, per_token=state, kept=state)
        rows, weight = n * model.n_heads, Weight("head_norm", 2, inner)
        y = b.vector(ops.LAYERNORM, (y,), {OUT: n * inner}, name="head_norm", rows=rows, weight=weight)[0]
        bonus = Weight("bonus", 1, inner)
        y = b.vector(kinds.BONUS_GATE, (y, *inputs, gate), {OUT: n * inner}, elements=n * inner, weight=bonus)[0]
        return b.matrix(ops.OUT_PROJ, y, inner, {OUT: d})[0]

    @staticmethod
    def _channel_mix(b: SectionBuilder, model: Model, x: Flow) -> Flow:
        d, n, wide = b.width, b.tokens, model.d_ff
        weight = Weight("channel_mix", 1, d)
        (k,) = stateful(
            b, kinds.TOKEN_SHIFT, (x,), {OUT: n * d}, per_token=d, kept=d, name="channel_shift", weight=weight
        )
        k = b.matrix(ops.FFN_UP, k, d, {OUT: wide})[0]
        k = b.vector(kinds.RELU_SQUARE, (k,), {OUT: n * wide}, name="ffn_act")[0]
        return b.matrix(ops.FFN_DOWN, k, wide, {OUT: d})[0]

    def memory(self, model: Model) -> tuple[LayerMemory, ...]:
        """A matrix for each head, and the token before of both mixes."""
        return (LayerMemory(model.n_layers, fixed=model.q_features * model.head_dim + 2 * model.d_model),)


RANKS = ("decay_low_rank_dim", "a_low_rank_dim", "v_low_rank_dim", "gate_low_rank_dim")
FIELDS = ("hidden_size", "num_hidden_layers", "head_dim", "intermediate_size", *RANKS, "vocab_size")
FIXED = {"hidden_act": ("sqrelu",), "attn": (None,)}


def read(fields: HfFields) -> dict[str, Any]:
    """Sizes and ranks."""
    d_model, head_dim = fields.whole("hidden_size"), fields.whole("head_dim")
    split_heads(fields, d_model, head_dim, ("hidden_size", "head_dim"))
    return {
        "n_layers": fields.whole("num_hidden_layers"),
        "d_model": d_model,
        "n_heads": d_model // head_dim,
        "n_kv_heads": d_model // head_dim,
        "head_dim": head_dim,
        "d_ff": fields.whole("intermediate_size", 4 * d_model),
        "vocab_size": fields.whole("vocab_size"),
        "max_position": NO_LIMIT,
        "tie_embeddings": fields.flag("tie_word_embeddings"),
        "architecture": Rwkv7("layernorm", *(fields.whole(key) for key in RANKS)),
    }


hf_readers.register("RWKV7ForCausalLM")(Reader("rwkv7", read, FIELDS, FIXED))
