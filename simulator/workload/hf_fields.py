"""`HfFields`: the fields of a Hugging Face ``config.json``, read one by one, each with its place for errors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from simulator.errors import WorkloadError

LARGEST = {
    "hidden_size": 1 << 20,
    "intermediate_size": 1 << 22,
    "num_hidden_layers": 1 << 12,
    "num_attention_heads": 1 << 14,
    "num_key_value_heads": 1 << 14,
    "head_dim": 1 << 14,
    "vocab_size": 1 << 26,
    "max_position_embeddings": 1 << 30,
}
"""Whole-number fields and the largest value taken for more than a slip; the smallest is 1."""

ALIKE = {
    "n_embd": "hidden_size",
    "d_model": "hidden_size",
    "ffn_dim": "intermediate_size",
    "n_inner": "intermediate_size",
    "moe_intermediate_size": "intermediate_size",
    "shared_expert_intermediate_size": "intermediate_size",
    "n_layer": "num_hidden_layers",
    "n_head": "num_attention_heads",
    "num_kv_heads": "num_key_value_heads",
    "n_positions": "max_position_embeddings",
    "sliding_window": "max_position_embeddings",
}
"""Fields that other architectures call otherwise."""

LARGEST_OTHER = 1 << 20
"""For fields of neither table."""

LARGEST_NUMBER = 1e15
"""The largest number that is no whole number taken for more than a slip; no infinity, no NaN."""


@dataclass(frozen=True, slots=True)
class HfFields:
    """The fields of one config. ``locate``: file, line and column of a field; ``prefix``: key path they stand under."""

    fields: Mapping[str, Any]
    locate: Callable[[str], tuple[str, int | None, int | None]]
    prefix: str = ""

    def fail(self, key: str, message: str) -> NoReturn:
        """Raise the one-line WorkloadError about a field."""
        file, line, column = self.locate(key)
        raise WorkloadError(message, file=file, line=line, column=column, key=self.prefix + key)

    def get(self, key: str) -> Any:
        """The value, None if absent or null."""
        return self.fields.get(key)

    def whole(self, key: str, default: int | None = None) -> int:
        """A whole number from 1 to its largest; required unless there is a default."""
        value = self.get(key)
        largest = LARGEST.get(ALIKE.get(key, key), LARGEST_OTHER)
        if value is None:
            if default is None:
                self.fail(key, f"missing (a whole number, 1..{largest})")
            return default
        if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= largest:
            self.fail(key, f"{value!r} is not a whole number in the range 1..{largest}")
        return value

    def optional(self, key: str) -> int | None:
        """A whole number, None if absent or null."""
        return None if self.get(key) is None else self.whole(key)

    def flag(self, key: str, default: bool = False) -> bool:  # noqa: FBT001, FBT002 - what an absent flag means
        """A boolean."""
        value = self.get(key)
        if value is not None and not isinstance(value, bool):
            self.fail(key, f"{value!r} is not a boolean (allowed: true, false)")
        return default if value is None else value

    def number(self, key: str) -> float | None:
        """A number above 0, None if absent or null."""
        value = self.get(key)
        if value is None:
            return None
        if not is_number(value) or value <= 0:
            self.fail(key, f"{value!r} is not a number above 0")
        return float(value)


def is_number(value: object) -> bool:
    """Whether ``value`` is a finite number of sane size, and no boolean."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= LARGEST_NUMBER
