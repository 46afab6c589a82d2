"""Op kinds of models that keep a state: Mamba-2, RWKV-6 and RWKV-7."""

from __future__ import annotations

from simulator.workload.ops import OpKind, register_kind


def _product(name: str, description: str) -> OpKind:
    return register_kind(OpKind(name, description, op_class="matrix"))


def _elementwise(name: str, description: str, flops: int, like: str) -> OpKind:
    return register_kind(OpKind(name, description, flops, like=like))


def _state(name: str, description: str, flops: int) -> OpKind:
    return register_kind(OpKind(name, description, flops, "state", like="residual_add"))


SSM_IN = _product("ssm_in", "projection to gate, inner channels, input and output vectors, and time steps")
CONV1D = _state("conv1d", "causal convolution over the last tokens: a multiply-add a tap; its activation left out", 2)
SSM_UPDATE = _state("ssm_update", "h = decay h + x B: 3; y = C h: 2, a state element; what is per channel left out", 5)
GATED_NORM = _elementwise("gated_norm", "SiLU(gate) x y, and its RMSNorm", 9, "rmsnorm")
TIME_PROJ = _product("time_proj", "projection of a mixed token: receptance, key, value, gate")
LOW_RANK = _product("low_rank", "one of the two products of a low-rank one")
MIX_UP = register_kind(
    OpKind("mix_up", "up projections of the mixes of a token with the one before it", op_class="grouped_matrix")
)
TOKEN_SHIFT = _state("token_shift", "a mix of a token and the one before it: subtract, multiply, add", 3)
MIX = _elementwise("mix", "a mix whose share depends on the data: add, multiply, add", 3, "residual_add")
DECAY = _elementwise("decay", "exp(-exp(w + bias))", 4, "softmax")
TANH = _elementwise("tanh", "hyperbolic tangent: 2 exponentials, subtract, add, divide", 5, "softmax")
SIGMOID = _elementwise("sigmoid", "negate, exponential, add, divide", 4, "softmax")
RELU_SQUARE = _elementwise("relu_square", "square of the maximum with zero", 2, "residual_add")
STATE_INPUTS = _elementwise(
    "state_inputs", "decay 6, rate 5, value residual 7, normed and scaled keys 9 for each channel", 27, "softmax"
)
BONUS_GATE = _elementwise("bonus_gate", "bonus of the current token 5, gate 1", 6, "residual_add")
WKV6_UPDATE = _state("wkv6_update", "k v, bonus and state, r (..): 5; S = decay S + k v: 2, a state element", 7)
WKV7_UPDATE = _state("wkv7_update", "S a, decay, its outer product with b, k v: 7; S r: 2, a state element", 9)
