"""Mamba-2: a convolution over the last tokens and a state-space update in place of attention, no feed-forward.

The prompt is counted as the recurrence, token by token, not as the products over chunks that some kernels make of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from simulator.workload import ops
from simulator.workload import state_kinds as kinds
from simulator.workload.architecture import Architecture
from simulator.workload.blocks.state import NO_LIMIT, stateful
from simulator.workload.blueprint import Flow, Weight
from simulator.workload.hf_config import Reader, hf_readers
from simulator.workload.hf_fields import HfFields
from simulator.workload.layer_memory import LayerMemory
from simulator.workload.section_builder import OUT, SectionBuilder

if TYPE_CHECKING:
    from simulator.workload.model import Model


@dataclass(frozen=True, slots=True)
class Mamba2(Architecture):
    """``state`` elements for each inner channel, of which there are ``n_heads`` x ``head_dim``; ``n_kv_heads`` groups.

    ``taps`` of the convolution. ``conv_bias``, ``bias``: of the convolution, of both projections.
    """

    state: int = 128
    taps: int = 4
    conv_bias: bool = True
    bias: bool = False

    def channels(self, model: Model) -> tuple[int, int]:
        """(inner channels, channels that pass the convolution)."""
        inner = model.n_heads * model.head_dim
        return inner, inner + 2 * model.n_kv_heads * self.state

    def block(self, b: SectionBuilder, model: Model, variant: Any) -> Flow:
        """As `Architecture.block`."""
        del variant
        inner, mixed = self.channels(model)
        x, heads = b.input(), model.n_heads
        parts = {"gate": inner, "mixed": mixed, "dt": heads}
        gate, conv, dt = b.matrix(kinds.SSM_IN, b.norm("norm", x), b.width, parts, bias=self.bias)
        taps = Weight("conv1d", mixed, self.taps + self.conv_bias)
        (conv,) = stateful(
            b,
            kinds.CONV1D,
            (conv,),
            {OUT: b.tokens * mixed},
            per_token=self.taps * mixed,
            kept=self.taps * mixed,
            weight=taps,
        )
        (y,) = stateful(
            b,
            kinds.SSM_UPDATE,
            (conv, dt),
            {OUT: b.tokens * inner},
            per_token=inner * self.state,
            kept=inner * self.state,
            weight=Weight("ssm", 3, heads),
        )
        weight = Weight("gated_norm", 1, inner)
        y = b.vector(kinds.GATED_NORM, (y, gate), {OUT: b.tokens * inner}, weight=weight)[0]
        return b.residual("residual", x, b.matrix(ops.OUT_PROJ, y, inner, {OUT: b.width}, bias=self.bias)[0])

    def memory(self, model: Model) -> tuple[LayerMemory, ...]:
        """The states of convolution and update."""
        inner, mixed = self.channels(model)
        return (LayerMemory(model.n_layers, fixed=self.taps * mixed + inner * self.state),)


FIELDS = (
    "hidden_size", "num_hidden_layers", "state_size", "num_heads", "head_dim", "n_groups", "expand", "conv_kernel",
    "use_conv_bias", "use_bias", "vocab_size",
)  # fmt: skip
FIXED = {"hidden_act": ("silu",), "rms_norm": (True,), "residual_in_fp32": (True, False)}


def read(fields: HfFields) -> dict[str, Any]:
    """Sizes. Raises WorkloadError where heads do not share out the inner channels."""
    heads, head_dim, d_model = fields.whole("num_heads"), fields.whole("head_dim"), fields.whole("hidden_size")
    inner = fields.whole("expand", 2) * d_model
    if heads * head_dim != inner:
        fields.fail("num_heads", f"{heads} heads of {head_dim} are not the {inner} inner channels")
    return {
        "n_layers": fields.whole("num_hidden_layers"),
        "d_model": d_model,
        "n_heads": heads,
        "n_kv_heads": fields.whole("n_groups"),
        "head_dim": head_dim,
        "d_ff": inner,
        "vocab_size": fields.whole("vocab_size"),
        "max_position": NO_LIMIT,
        "tie_embeddings": fields.flag("tie_word_embeddings"),
        "architecture": Mamba2(
            state=fields.whole("state_size"),
            taps=fields.whole("conv_kernel"),
            conv_bias=fields.flag("use_conv_bias", default=True),
            bias=fields.flag("use_bias"),
        ),
    }


hf_readers.register("Mamba2ForCausalLM")(Reader("mamba2", read, FIELDS, FIXED))
