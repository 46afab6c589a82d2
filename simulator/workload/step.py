"""`Step`: what one pass through the model processes."""

from __future__ import annotations

from dataclasses import dataclass

from simulator.errors import WorkloadError


@dataclass(frozen=True, slots=True)
class Step:
    """``queries`` new tokens for each of ``batch`` sequences whose caches already hold ``position`` tokens.

    Decode: one query. Prefill: the whole prompt at position 0. Raises WorkloadError for a step without work.
    """

    batch: int
    queries: int
    position: int

    def __post_init__(self) -> None:
        for key, least in (("batch", 1), ("queries", 1), ("position", 0)):
            if getattr(self, key) < least:
                raise WorkloadError(f"{getattr(self, key)} is below {least}", key=key)

    @property
    def of_prompt(self) -> bool:
        """Whether it is the prompt."""
        return self.position == 0

    @property
    def tokens(self) -> int:
        """New tokens of all sequences."""
        return self.batch * self.queries

    @property
    def context(self) -> int:
        """Cached tokens each sequence attends to, the new ones included."""
        return self.position + self.queries

    @property
    def pairs(self) -> int:
        """(query, cached token) pairs of one sequence under the causal mask."""
        return self.queries * self.position + self.queries * (self.queries + 1) // 2

    def windowed_context(self, window: int | None) -> int:
        """Of `context`, what any query attends to that sees ``window`` tokens, itself included; None: all."""
        return self.context if window is None else min(self.context, window + self.queries - 1)

    def windowed_pairs(self, window: int | None) -> int:
        """Of `pairs`, those within ``window`` tokens."""
        if window is None or self.context <= window:
            return self.pairs
        full = min(self.queries, self.context - window)  # Queries with more tokens before them than the window holds.
        rest = self.queries - full
        return full * window + rest * self.position + rest * (rest + 1) // 2
