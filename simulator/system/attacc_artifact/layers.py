"""The layers of one block on one GPU of a tensor-parallel group, as AttAcc lists them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Kind = Literal["product", "attention", "softmax", "activation", "norm", "allreduce", "transfer"]

FLOPS: dict[Kind, int] = {"softmax": 5, "activation": 8, "norm": 5}
"""Operations an element; a gated activation takes one more."""


@dataclass(frozen=True)
class Layer:
    """``count`` times (m x k) times (k x n), or an op on m x n elements; ``operands`` of an activation."""

    name: str
    kind: Kind
    m: int
    n: int
    k: int = 1
    count: int = 1
    operands: int = 1

    @property
    def flops(self) -> int:
        """Of all ``count``."""
        elements = self.m * self.n * self.count
        if self.kind in ("product", "attention"):
            return 2 * elements * self.k
        return elements * (FLOPS.get(self.kind, 0) + (self.operands > 1))

    @property
    def elements(self) -> int:
        """Read and written by an op that is no product."""
        streams = 3 if self.kind == "norm" else self.operands + 1
        return self.m * self.n * self.count * streams


@dataclass(frozen=True)
class Block:
    """A model's block, shared by ``devices`` GPUs; ``apart``: its attention is on other devices."""

    d_model: int
    d_ff: int
    n_heads: int
    n_kv_heads: int
    head_dim: int
    gated: bool
    devices: int
    apart: bool

    @property
    def heads(self) -> int:
        """Query heads of one GPU."""
        return self.n_heads // self.devices

    @property
    def _qkv(self) -> int:
        return (self.n_heads + 2 * self.n_kv_heads) * self.head_dim // self.devices

    def decode(self, batch: int, context: int) -> Iterator[Layer]:
        """One token of each of ``batch`` sequences, which sees ``context`` tokens."""
        yield Layer("qkv_proj", "product", batch, self._qkv, self.d_model)
        if self.apart:
            yield Layer("transfer", "transfer", batch, self._qkv)
        yield from self._attention(batch, 1, context)
        if self.apart:
            yield Layer("transfer", "transfer", 1, self.head_dim, count=self.heads * batch)
        yield from self._rest(batch)

    def prompt(self, batch: int, tokens: int) -> Iterator[Layer]:
        """The prompt of ``batch`` sequences, whole squares of scores."""
        yield Layer("qkv_proj", "product", batch * tokens, self._qkv, self.d_model)
        yield from self._attention(batch, tokens, tokens)
        yield from self._rest(batch * tokens)

    def _attention(self, batch: int, queries: int, context: int) -> Iterator[Layer]:
        count = self.heads * batch
        yield Layer("attn_score", "attention", queries, context, self.head_dim, count)
        yield Layer("softmax", "softmax", queries, context, count=count)
        yield Layer("attn_context", "attention", queries, self.head_dim, context, count)

    def _rest(self, tokens: int) -> Iterator[Layer]:
        share = self.d_ff // self.devices
        out = self.n_heads * self.head_dim // self.devices
        yield Layer("out_proj", "product", tokens, self.d_model, out)
        yield Layer("allreduce", "allreduce", tokens, self.d_model)
        yield Layer("norm", "norm", tokens, self.d_model)
        for _ in range(2 if self.gated else 1):
            yield Layer("ffn", "product", tokens, share, self.d_model)
        yield Layer("activation", "activation", tokens, share, operands=2 if self.gated else 1)
        yield Layer("ffn", "product", tokens, self.d_model, share)
        yield Layer("allreduce", "allreduce", tokens, self.d_model)
        yield Layer("norm", "norm", tokens, self.d_model)
