"""`Request`: what one client asks for."""

from __future__ import annotations

from dataclasses import dataclass

from simulator.errors import WorkloadError

PS_PER_S = 10**12


@dataclass(frozen=True, slots=True)
class Request:
    """A prompt of ``prompt_tokens`` that is answered by ``output_tokens``, arriving at ``arrival_ps``.

    ``prefix``: what its first ``prefix_tokens`` tokens are called, equal for equal texts; None for a prompt that shares
    nothing. In a closed loop ``arrival_ps`` is 0: it arrives when a client is free. Raises WorkloadError.
    """

    index: int
    arrival_ps: int
    prompt_tokens: int
    output_tokens: int
    prefix: str | None = None
    prefix_tokens: int = 0

    def __post_init__(self) -> None:
        for key, least in (("prompt_tokens", 1), ("output_tokens", 1), ("arrival_ps", 0)):
            if getattr(self, key) < least:
                raise WorkloadError(f"request {self.index}: {key} {getattr(self, key)} is below {least}")
        if not 0 <= self.prefix_tokens < self.prompt_tokens:
            raise WorkloadError(
                f"request {self.index}: a prefix of {self.prefix_tokens} tokens leaves none of a prompt of "
                f"{self.prompt_tokens}"
            )

    @property
    def tokens(self) -> int:
        """Tokens of prompt and output."""
        return self.prompt_tokens + self.output_tokens

    @property
    def cached_tokens(self) -> int:
        """Most tokens its cache ever holds: the last output token is never read back."""
        return self.tokens - 1
