"""`LayerMemory`: what a layer keeps of a sequence from step to step."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LayerMemory:
    """What each of ``layers`` layers keeps of a sequence between steps.

    ``tensors`` tensors (keys and values: 2) of ``heads`` x ``head_dim`` elements for each token, of the last ``window``
    tokens where there is a window; and ``fixed`` elements, however many tokens there were.
    """

    layers: int
    tensors: int = 0
    heads: int = 0
    head_dim: int = 0
    window: int | None = None
    fixed: int = 0

    def tokens(self, tokens: int) -> int:
        """How many of ``tokens`` tokens are kept."""
        return tokens if self.window is None else min(tokens, self.window)
