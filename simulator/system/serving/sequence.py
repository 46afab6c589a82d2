"""`Sequence`: a request on its way through a copy of the model."""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random

from simulator.workload.traffic.request import Request


@dataclass(slots=True, eq=False)
class Sequence:
    """A request with what has been done for it; times in ps, -1 before they are known.

    ``cached``: tokens in its cache. ``target``: tokens that have to be there before it can choose its next one: the
    prompt, and after a preemption what it had said, too. ``generated``: output tokens so far. ``pages``: those it
    owns; ``shared_pages`` more belong to the cached prefix; ``swapped_pages`` lie on the host. ``running``: it has
    been admitted. ``random``: its own random numbers, once it needs some.
    """

    request: Request
    arrival_ps: int
    target: int
    cached: int = 0
    generated: int = 0
    pages: int = 0
    shared_pages: int = 0
    swapped_pages: int = 0
    admitted_ps: int = -1
    first_ps: int = -1
    done_ps: int = -1
    preemptions: int = 0
    running: bool = False
    random: Random | None = None

    @property
    def decoding(self) -> bool:
        """Whether it decodes in its next step, its cache being complete up to the last token."""
        return self.cached >= self.target

    @property
    def left(self) -> int:
        """Tokens still to compute before it can choose a token."""
        return self.target - self.cached

    @property
    def finished(self) -> bool:
        """Whether its last output token is out."""
        return self.generated >= self.request.output_tokens

    def forget(self) -> None:
        """Its cache is gone: everything up to its last token has to be computed anew."""
        self.cached = 0
        self.target = self.request.prompt_tokens + self.generated
        self.preemptions += 1

    def twin(self) -> Sequence:
        """The same sequence on another copy of the model, where it has no pages yet."""
        return replace(self, pages=0, shared_pages=0, running=False)

    def emit(self, now_ps: int, tokens: int = 1) -> None:
        """It has chosen ``tokens`` tokens."""
        self.generated += tokens
        if self.first_ps < 0:
            self.first_ps = now_ps
        if self.finished:
            self.done_ps = now_ps
            self.random = None
