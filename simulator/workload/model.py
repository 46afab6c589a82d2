"""`Model`: the sizes of a language model, and its architecture."""

from __future__ import annotations

from dataclasses import dataclass

from simulator.workload.architecture import Architecture
from simulator.workload.sections import n_parameters
from simulator.workload.transformer import LLAMA


@dataclass(frozen=True, slots=True)
class RopeScaling:
    """How rotary frequencies are stretched beyond the trained context; it changes no shape and no FLOP count."""

    rope_type: str
    factors: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class Model:
    """Everything the op graph needs to know about a model.

    ``tie_embeddings``: the LM head reads the embedding table. ``max_position``: longest context in tokens.
    ``architecture``: what ops the sizes give; without one, Llama's. `simulator.workload.model_file` reads and checks a
    model; one made by hand is taken as it is.
    """

    name: str
    n_layers: int
    d_model: int
    n_heads: int
    n_kv_heads: int
    head_dim: int
    d_ff: int
    vocab_size: int
    max_position: int
    tie_embeddings: bool = False
    rope_theta: float = 10000.0
    rope_scaling: RopeScaling | None = None
    source: str = ""
    architecture: Architecture = LLAMA

    @property
    def q_features(self) -> int:
        """Elements of all query heads of one token, which is also the width of the attention output."""
        return self.n_heads * self.head_dim

    @property
    def kv_features(self) -> int:
        """Elements of all key heads (or all value heads) of one token in one layer."""
        return self.n_kv_heads * self.head_dim

    @property
    def qkv_features(self) -> int:
        """Elements of the fused query, key and value projection of one token."""
        return self.q_features + 2 * self.kv_features

    @property
    def n_parameters(self) -> int:
        """Number of trained parameters; a tied embedding counts once."""
        return n_parameters(self)
