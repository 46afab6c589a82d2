"""What a workload's YAML may say: a model, and what it is asked to do."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from simulator.config.base_schema import Spec
from simulator.config.optimization_schema import Optimizations

Format = Literal["fp32", "fp16", "bf16", "fp8", "int8", "int4"]
"""How numbers are stored."""
WeightFormat = Literal[Format, "int4_g32", "int4_g128", "int2_g128", "q8_0", "q4_0", "q4_k_m", "q2_k"]
"""How weights are stored: also in blocks with a scale."""


class Precision(Spec):
    """The format of each kind of tensor."""

    weights: WeightFormat
    activations: Format
    kv_cache: Format


class Scenario(Spec):
    """A model with a batch of equal requests.

    ``batch``: sequences that run together. ``prompt_tokens`` and ``output_tokens`` are per sequence. ``sample_every``:
    of the decode steps every n-th is simulated (1: all of them); more than 1 is a declared approximation.
    ``plugins``: modules that register further optimisations.
    """

    kind: Literal["workload"] = "workload"
    name: str | None = None
    description: str = ""
    source: str | None = None
    model: str
    batch: Annotated[int, Field(ge=1, le=65536)]
    prompt_tokens: Annotated[int, Field(ge=1, le=2**24)]
    output_tokens: Annotated[int, Field(ge=1, le=2**24)]
    sample_every: Annotated[int, Field(ge=1)] = 1
    precision: Precision
    optimizations: Optimizations = Field(default_factory=dict)
    plugins: tuple[str, ...] = ()
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
