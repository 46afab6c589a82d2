"""What one step of a copy of the model computes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Chunk:
    """``tokens`` tokens of one prompt whose cache already holds ``position`` tokens."""

    tokens: int
    position: int


@dataclass(frozen=True, slots=True)
class Composition:
    """``decodes`` sequences with ``contexts`` cached tokens together that decode, and ``chunks`` of prompts.

    ``sampled``: new tokens behind which one is chosen: those that decode, and the last of prompts that are complete.
    ``queries``: new tokens of each sequence that decodes, 1 where none are drafted.
    """

    decodes: int
    contexts: int
    chunks: tuple[Chunk, ...] = ()
    sampled: int = 0
    queries: int = 1

    @property
    def tokens(self) -> int:
        """New tokens of all sequences."""
        return self.decodes * self.queries + sum(chunk.tokens for chunk in self.chunks)

    @property
    def complete(self) -> int:
        """Prompts that are complete at its end."""
        return self.sampled - self.decodes * self.queries

    @property
    def context(self) -> int:
        """Cached tokens of a decoding sequence on average, to the nearest whole one; 0 where none decodes."""
        return (2 * self.contexts + self.decodes) // (2 * self.decodes) if self.decodes else 0

    @property
    def mean_context(self) -> int:
        """Cached tokens before a token of the step on average, of sequences that decode and of prompts alike."""
        before = self.contexts + sum(c.tokens * c.position + c.tokens * (c.tokens - 1) // 2 for c in self.chunks)
        return (2 * before + self.tokens) // (2 * self.tokens)

    @property
    def stage(self) -> str:
        """Where the step counts: ``decode`` if any sequence decodes, else ``prefill``."""
        return "decode" if self.decodes else "prefill"
