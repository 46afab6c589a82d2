"""How many pages of KV cache a copy of the model has room for, beside its weights."""

from __future__ import annotations

from dataclasses import dataclass, replace

from simulator.config.traffic_schema import Serving
from simulator.errors import CapacityError, ConfigError
from simulator.mapping.layout import Layout
from simulator.system.builder import System
from simulator.system.capacity import check_capacity
from simulator.workload.cached import cached_tokens
from simulator.workload.scenario import Workload

MOST_SEQUENCES = 1 << 20


@dataclass(frozen=True)
class Room:
    """``pages`` that may be used; the bytes of what is always there, of a page, and of all the memory, of one copy."""

    pages: int
    fixed_bytes: float
    page_bytes: float
    available_bytes: int
    layout: Layout
    """Of the longest request alone."""

    def needed_bytes(self, pages: int) -> int:
        """Bytes in use with ``pages`` pages in use."""
        return round(self.fixed_bytes + pages * self.page_bytes)


def room_for(system: System, workload: Workload, serving: Serving, mean_tokens: float) -> Room:
    """The room of one copy, which ``system`` is.

    As many sequences of ``mean_tokens`` tokens as the platform's own layout has place for, with its padding, in pages.
    Raises CapacityError when the longest request does not fit, ConfigError for more pages asked for than there are.
    """
    workload = replace(workload, traffic=None)
    longest = check_capacity(system, workload)
    most = max(1, (workload.model.max_position - 1) // serving.page_tokens)
    pages_each = min(most, -(-cached_tokens(workload, round(mean_tokens)) // serving.page_tokens))
    tokens = min(workload.model.max_position - 1, pages_each * serving.page_tokens)
    one = replace(workload, prompt_tokens=tokens, output_tokens=1)
    needed, available = _layout(system, one, 1)
    sequences = _most_sequences(system, one)
    more = _layout(system, one, sequences)[0]
    each = (more - needed) / (sequences - 1) if sequences > 1 else 0.0
    page_bytes, pages = each / pages_each, sequences * pages_each
    if serving.kv_pages is not None and serving.kv_pages > pages:
        raise ConfigError(
            f"{serving.kv_pages} pages of {serving.page_tokens} tokens are more than the {pages} that fit",
            key="traffic.serving.kv_pages",
        )
    return Room(serving.kv_pages or pages, needed - each, page_bytes, available, longest)


def _layout(system: System, workload: Workload, sequences: int) -> tuple[int, int]:
    found = check_capacity(system, replace(workload, batch=sequences))
    return found.needed_bytes, found.available_bytes


def _fits(system: System, workload: Workload, sequences: int) -> bool:
    try:
        check_capacity(system, replace(workload, batch=sequences))
    except CapacityError:
        return False
    return True


def _most_sequences(system: System, workload: Workload) -> int:
    """The largest number of such sequences that fits, one of which does."""
    low, high = 1, 2
    while high < MOST_SEQUENCES and _fits(system, workload, high):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _fits(system, workload, middle) else (low, middle)
    return low
