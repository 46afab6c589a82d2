"""`Architecture`: what makes one family of models different from another, as the parts of its step graphs.

A `Model` holds the sizes; its architecture says what ops they give. A new one is a subclass (or a `Transformer` with
other parts) and a reader of its Hugging Face fields (`hf_reader`).
"""

from __future__ import annotations

import importlib
from abc import ABC, abstractmethod
from collections.abc import Hashable
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any

from pydantic import GetCoreSchemaHandler, TypeAdapter
from pydantic_core import CoreSchema, core_schema

from simulator.errors import MappingError
from simulator.workload import ops
from simulator.workload.blueprint import Flow, Weight
from simulator.workload.layer_memory import LayerMemory
from simulator.workload.section_builder import OUT, Norm, SectionBuilder
from simulator.workload.step import Step

if TYPE_CHECKING:
    from simulator.workload.model import Model

TOKEN_ID_BYTES = 4
"""A token id is a 32-bit integer on its way to the embedding and from the sampler."""

EMBEDDING_TABLE = "embed_tokens"
FINAL_NORM = "final_norm"
LM_HEAD = "lm_head"


@dataclass(frozen=True, slots=True)
class Architecture(ABC):
    """The parts of a step graph, as methods that a family overrides. All its instances are values: frozen, hashable.

    ``norm``: the kind of its norms.
    """

    norm: Norm = "rmsnorm"

    def prologue(self, b: SectionBuilder, model: Model) -> Flow:
        """From token ids to the residual stream."""
        return embedding(b, model)

    def variant(self, model: Model, step: Step, layer: int) -> Hashable:
        """What tells the block of ``layer`` from others: blocks of equal variants are equal."""
        del model, step, layer
        return None

    @abstractmethod
    def block(self, b: SectionBuilder, model: Model, variant: Any) -> Flow:
        """A block of ``variant``; gives the residual stream behind it."""

    def epilogue(self, b: SectionBuilder, model: Model) -> Flow:
        """From the residual stream at the last position of each sequence to the next tokens."""
        x = b.norm(FINAL_NORM, b.input(), self.norm)
        table = EMBEDDING_TABLE if model.tie_embeddings else LM_HEAD
        logits = b.matrix(ops.LM_HEAD, x, b.width, {OUT: model.vocab_size}, weight=table)[0]
        return sampling(b, model, self.logits(b, model, logits))

    def logits(self, b: SectionBuilder, model: Model, x: Flow) -> Flow:
        """What is done to the logits before a token is chosen."""
        del b, model
        return x

    @abstractmethod
    def memory(self, model: Model) -> tuple[LayerMemory, ...]:
        """What the layers keep between steps; layers that keep the same in one entry."""

    def divided(self, model: Model, devices: int) -> Model:
        """The part of ``model`` that each of ``devices`` devices holds when heads and columns are dealt out.

        Raises MappingError where they cannot be.
        """
        if model.n_heads % devices:
            raise MappingError(
                f"parallelism.tensor: {model.n_heads} heads of {model.name} do not deal out evenly to {devices} devices"
            )
        return replace(
            model,
            n_heads=model.n_heads // devices,
            n_kv_heads=max(1, model.n_kv_heads // devices),
            d_ff=-(-model.d_ff // devices),
        )

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """As plain data: the class by name, and its fields. A subclass is validated like any dataclass."""
        if cls is not Architecture:
            return handler(source)
        return core_schema.no_info_plain_validator_function(
            _from_plain, serialization=core_schema.plain_serializer_function_ser_schema(plain)
        )


CLASS = "class"


def plain(architecture: Architecture) -> dict[str, Any]:
    """An architecture as plain data, from which sweeps make it again."""
    own = type(architecture)
    fields: dict[str, Any] = _adapter(own).dump_python(architecture, mode="json")
    return {CLASS: f"{own.__module__}:{own.__qualname__}", **fields}


def _from_plain(value: Any) -> Architecture:
    if isinstance(value, Architecture):
        return value
    fields = dict(value)
    module, _, name = str(fields.pop(CLASS)).partition(":")
    found: Architecture = _adapter(getattr(importlib.import_module(module), name)).validate_python(fields)
    return found


@cache
def _adapter(own: type[Architecture]) -> TypeAdapter[Any]:
    """What reads and writes an architecture; making it takes some 10 ms."""
    return TypeAdapter(own)


def embedding(b: SectionBuilder, model: Model, *, scaled: bool = False) -> Flow:
    """The first op: reads one table row per token; ``scaled``: multiplies it by a number."""
    elements = b.tokens * b.width
    return b.add(
        ops.LookupOp,
        ops.EMBEDDING,
        (),
        {OUT: elements},
        weight=Weight(EMBEDDING_TABLE, model.vocab_size, b.width),
        weight_bytes=b.precision.weight_bytes(elements),
        input_bytes=b.tokens * TOKEN_ID_BYTES,
        table_rows=model.vocab_size,
        width=b.width,
        tokens=b.tokens,
        flops=elements if scaled else 0,
    )[0]


def sampling(b: SectionBuilder, model: Model, logits: Flow) -> Flow:
    """The last op: chooses a token for each sequence."""
    elements = b.tokens * model.vocab_size
    name = ops.SAMPLING.name
    b.add(
        ops.VectorOp,
        ops.SAMPLING,
        (logits,),
        {},
        output_bytes=b.tokens * TOKEN_ID_BYTES,
        elements=elements,
        rows=b.tokens,
        flops=ops.SAMPLING.flops_per_element * elements,
    )
    return Flow(name, OUT, b.tokens * TOKEN_ID_BYTES)
