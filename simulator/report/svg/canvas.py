"""A canvas of fixed width whose content is SVG text."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from typing import Any

Value = Any
"""Of an attribute: text, a number, or None for one that is left out."""

NARROW_LETTERS, WIDE_LETTERS = set("iljtfrI.,:;|!'()[] 1"), set("mwMWGOQ%@")
MEAN_ADVANCE = 0.6
"""Mean width of a letter over the font size, of the sans-serif faces that pages and papers use."""


class Canvas:
    """Elements in the order of drawing. Coordinates are CSS pixels from the upper left corner."""

    def __init__(self, width: float, height: float) -> None:
        self.width = width
        self.height = height
        self._parts: list[str] = []

    def add(self, tag: str, content: str | None = None, **attributes: Value) -> None:
        """One element; ``content`` is text, and attributes are named as in SVG with ``_`` for ``-``."""
        inner = f">{escape(content, quote=False)}</{tag}>" if content is not None else "/>"
        self._parts.append(f"<{tag}{_attributes(attributes)}{inner}")

    def raw(self, markup: str) -> None:
        """Markup that is SVG already."""
        self._parts.append(markup)

    @contextmanager
    def group(self, **attributes: Value) -> Iterator[None]:
        """What is added while it lasts is in one ``<g>``."""
        self._parts.append(f"<g{_attributes(attributes)}>")
        yield
        self._parts.append("</g>")

    def text(self, x: float, y: float, words: str, kind: str = "tick", **attributes: Value) -> None:
        """``words`` with their baseline at ``y``; ``kind``: a class of `style`, with ``halo`` for paper around it."""
        plain_kind = kind.removesuffix(" halo")
        if plain_kind != kind:
            # A stroke under the letters by an element of its own: not every reader knows paint-order.
            self.add("text", words, x=x, y=y, class_=f"{plain_kind} halo", aria_hidden="true", **attributes)
        self.add("text", words, x=x, y=y, class_=plain_kind, **attributes)

    def line(self, x1: float, y1: float, x2: float, y2: float, kind: str, **attributes: Value) -> None:
        """A straight line."""
        self.add("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=kind, **attributes)

    def content(self) -> str:
        """All elements, without the ``<svg>`` around them."""
        return "".join(self._parts)


def _attributes(attributes: dict[str, Value]) -> str:
    return "".join(
        f' {name.rstrip("_").replace("_", "-")}="{escape(_number(value))}"'
        for name, value in attributes.items()
        if value is not None
    )


def _number(value: Any) -> str:
    """Numbers to a tenth of a pixel: finer is not seen, and longer to send."""
    if isinstance(value, str):
        return value
    return f"{value:.1f}".removesuffix(".0")


def text_width(words: str, size: float = 12) -> float:
    """About how wide ``words`` are, in px: close enough to keep labels apart."""
    narrow = sum(letter in NARROW_LETTERS for letter in words)
    wide = sum(letter in WIDE_LETTERS for letter in words)
    return size * MEAN_ADVANCE * (len(words) - 0.45 * narrow + 0.45 * wide)


def shortened(words: str, room: float, size: float = 12) -> str:
    """``words``, or as many letters of them as have ``room`` px, and an ellipsis."""
    if text_width(words, size) <= room:
        return words
    while words and text_width(f"{words}…", size) > room:
        words = words[:-1]
    return f"{words.rstrip()}…"
