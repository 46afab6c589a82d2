"""The KV cache in pages of equal size, with prefixes that stay for those who ask for them again."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from simulator.errors import ConservationError
from simulator.system.serving.sequence import Sequence


@dataclass(slots=True)
class _Prefix:
    """The pages of one cached prefix, and how many sequences use them now."""

    pages: int
    users: int


class PagePool:
    """``total`` pages of ``page_tokens`` tokens. With ``keep_prefixes`` unused prefixes stay until room is needed.

    A prefix is kept in whole pages; the one that was used last goes last. ``kept``: of so many tokens of a sequence,
    those that stay.
    """

    def __init__(self, total: int, page_tokens: int, *, keep_prefixes: bool, kept: Callable[[int], int] = int) -> None:
        self.total = total
        self.page_tokens = page_tokens
        self.kept = kept
        self.free = total
        self.peak = 0
        self.lookups = self.hits = self.hit_tokens = 0
        self._keep = keep_prefixes
        self._prefixes: OrderedDict[str, _Prefix] = OrderedDict()

    @property
    def used(self) -> int:
        """Pages that are not free, those of unused prefixes included."""
        return self.total - self.free

    def pages_of(self, tokens: int) -> int:
        """Pages that ``tokens`` tokens take."""
        return -(-self.kept(tokens) // self.page_tokens)

    def grow(self, sequence: Sequence, tokens: int) -> bool:
        """Give ``sequence`` the pages that ``tokens`` tokens need beyond what it has; False when there is no room."""
        wanted = self.pages_of(tokens) - sequence.pages - sequence.shared_pages
        if wanted <= 0:
            return True
        if not self._make_room(wanted):
            return False
        self.free -= wanted
        sequence.pages += wanted
        self.peak = max(self.peak, self.used)
        return True

    def share(self, sequence: Sequence) -> None:
        """Let a sequence without a cache begin with the pages of its prefix, as far as they are there."""
        request = sequence.request
        if not self._keep or request.prefix is None:
            return
        self.lookups += 1
        found = self._prefixes.get(request.prefix)
        pages = min(found.pages, request.prefix_tokens // self.page_tokens) if found else 0
        if found is None or not pages:
            return
        found.users += 1
        self._prefixes.move_to_end(request.prefix)
        self.hits += 1
        self.hit_tokens += pages * self.page_tokens
        sequence.shared_pages = pages
        sequence.cached = pages * self.page_tokens

    def unshare(self, sequence: Sequence) -> None:
        """Take back a `share` whose sequence found no room for the rest."""
        if sequence.shared_pages:
            self.lookups -= 1
            self.hits -= 1
            self.hit_tokens -= sequence.cached
            self._leave(sequence)
            sequence.cached = 0

    def keep_prefix(self, sequence: Sequence) -> None:
        """The prefix of ``sequence`` has been computed: from now on others may begin with its pages."""
        request = sequence.request
        pages = request.prefix_tokens // self.page_tokens
        if not self._keep or request.prefix is None or sequence.shared_pages or not pages:
            return
        if request.prefix in self._prefixes or sequence.cached < pages * self.page_tokens:
            return
        self._prefixes[request.prefix] = _Prefix(pages, 1)
        sequence.pages -= pages
        sequence.shared_pages = pages

    def release(self, sequence: Sequence) -> None:
        """``sequence`` needs none of its pages any more."""
        self.free += sequence.pages
        sequence.pages = 0
        self._leave(sequence)

    def _leave(self, sequence: Sequence) -> None:
        if sequence.shared_pages:
            assert sequence.request.prefix is not None
            self._prefixes[sequence.request.prefix].users -= 1
            sequence.shared_pages = 0

    def _make_room(self, wanted: int) -> bool:
        """Let unused prefixes go, the least recently used first, if that makes ``wanted`` pages free."""
        if self.free >= wanted:
            return True
        unused = {name: prefix for name, prefix in self._prefixes.items() if not prefix.users}
        if self.free + sum(prefix.pages for prefix in unused.values()) < wanted:
            return False
        for name, prefix in unused.items():
            if self.free >= wanted:
                break
            self.free += prefix.pages
            del self._prefixes[name]
        return True

    def check(self, sequences: list[Sequence]) -> None:
        """The pages of ``sequences`` and of prefixes are those that are not free. Raises ConservationError."""
        owned = sum(sequence.pages for sequence in sequences)
        kept = sum(prefix.pages for prefix in self._prefixes.values())
        if owned + kept != self.used or self.free < 0:
            raise ConservationError(f"KV cache: {owned} pages of sequences, {kept} of prefixes, {self.used} in use")
