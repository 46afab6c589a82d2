"""What the optimisations of a workload change about how its sequences decode and what they keep in the cache."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from random import Random

from simulator.config.traffic_schema import Serving
from simulator.errors import ConfigError
from simulator.system.serving.sequence import Sequence
from simulator.workload.cached import cached_tokens
from simulator.workload.optimizations.kv_paging import KvPaging
from simulator.workload.scenario import Workload
from simulator.workload.traffic.draw import stream


@dataclass(frozen=True)
class DecodeRules:
    """``queries``: tokens of a sequence that the model computes in a step, drafted ones included.

    ``draw``: how many of them it keeps, None for all; each sequence has random numbers of its own by ``seed``, so that
    it does not matter with whom it runs. ``kept``: of so many tokens, those that stay in the cache.
    """

    queries: int = 1
    draw: Callable[[Random], int] | None = None
    kept: Callable[[int], int] = int
    seed: int = 0

    def tokens(self, sequence: Sequence) -> int:
        """Tokens that ``sequence``, which decodes, gets in this step: no more than it still wants."""
        if self.draw is None:
            return self.queries
        if sequence.random is None:
            sequence.random = stream(self.seed, f"accepted {sequence.request.index}")
        return min(self.draw(sequence.random), sequence.request.output_tokens - sequence.generated)


def rules_of(workload: Workload) -> DecodeRules:
    """The rules of ``workload``."""
    decoding = workload.decoding
    kept = partial(cached_tokens, workload) if workload.methods else int
    if decoding is None or decoding.queries == 1:
        return DecodeRules(kept=kept)
    return DecodeRules(decoding.queries, decoding.draw_tokens, kept, workload.seed)


def check_methods(workload: Workload, serving: Serving) -> None:
    """The methods of ``workload`` go together with the way it is served. Raises ConfigError."""
    for method in workload.methods:
        if isinstance(method, KvPaging) and method.page_tokens != serving.page_tokens:
            raise ConfigError(
                f"{method.page_tokens} is not the page of the stream, traffic.serving.page_tokens (allowed: "
                f"{serving.page_tokens})",
                key="optimizations.kv_paging.page_tokens",
            )
    most, decoding = workload.model.max_position, workload.decoding
    if serving.prefix_cache and cached_tokens(workload, most) < most:
        message = "with a window, which tokens leave, there is no prefix to keep (allowed: false)"
        raise ConfigError(message, key="traffic.serving.prefix_cache")
    if decoding is not None and decoding.queries > serving.token_budget:
        raise ConfigError(
            f"{serving.token_budget} tokens of a step are fewer than the {decoding.queries} that "
            f"optimizations.{decoding.key} computes of one sequence",
            key="traffic.serving.token_budget",
        )


def of_methods(workload: Workload, rules: DecodeRules) -> Iterator[str]:
    """What methods take for granted in a request stream."""
    if not any(isinstance(method, KvPaging) for method in workload.methods):
        yield "traffic: the KV cache is paged without a cost of its own: pages lie as a whole cache would"
    if any(method.whole_prompt for method in workload.methods):
        yield "traffic: a step with a piece of a prompt computes all of its tokens as it does the prompt"
    decoding = workload.decoding
    if rules.draw is not None:
        yield "traffic: how many drafted tokens a sequence keeps is drawn, for each sequence and step by itself"
        yield "traffic: pages have room for all drafted tokens of a step"
    if decoding is not None and not decoding.with_prompts:
        yield f"traffic: a step with a piece of a prompt decodes as without {decoding.key}"
