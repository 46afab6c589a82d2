"""`Piece`: the part of a prompt that one of several devices computes, when they share it along its tokens."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate, pairwise

from simulator.workload.step import Step


@dataclass(frozen=True, slots=True)
class Piece(Step):
    """A step for the tokens of a prompt that lie in ``chunks``, (first token, the one behind the last) each, in order.

    ``queries``: of all chunks. ``position``: so that `context` ends with the last chunk.
    """

    chunks: tuple[tuple[int, int], ...] = ()

    @property
    def of_prompt(self) -> bool:
        """Yes, wherever it lies."""
        return True

    @property
    def pairs(self) -> int:
        """As `Step.pairs`, of the chunks."""
        return sum((end * (end + 1) - start * (start + 1)) // 2 for start, end in self.chunks)

    def windowed_context(self, window: int | None) -> int:
        """As `Step.windowed_context`, of the chunks."""
        if window is None:
            return self.context
        seen, before = 0, 0
        for start, end in self.chunks:
            seen += end - max(before, start - window + 1, 0)
            before = end
        return seen

    def windowed_pairs(self, window: int | None) -> int:
        """As `Step.windowed_pairs`, of the chunks."""
        if window is None:
            return self.pairs
        short = [(min(start, window), min(end, window)) for start, end in self.chunks]
        within = sum((end * (end + 1) - start * (start + 1)) // 2 for start, end in short)
        return within + window * sum(end - max(start, window) for start, end in self.chunks if end > window)


def pieces_of(batch: int, tokens: int, devices: int) -> tuple[Piece, ...]:
    """The prompt's ``tokens`` in twice as many chunks as there are devices, of which each has one from either end.

    So all have about as many tokens and as many of their pairs. At least two tokens a device.
    """
    share, rest = divmod(tokens, 2 * devices)
    sizes = [share + (number < rest) for number in range(2 * devices)]
    chunks = list(pairwise(accumulate(sizes, initial=0)))
    return tuple(_piece(batch, (chunks[device], chunks[-1 - device])) for device in range(devices))


def _piece(batch: int, chunks: tuple[tuple[int, int], ...]) -> Piece:
    queries = sum(end - start for start, end in chunks)
    return Piece(batch, queries, chunks[-1][1] - queries, chunks)
