"""Stacked bars and their colours, in text: readable with colour, without colour and in plain ASCII."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.text import Text

COLOURS = (
    "blue",
    "cyan",
    "green",
    "yellow",
    "magenta",
    "red",
    "bright_blue",
    "bright_green",
    "bright_yellow",
    "bright_magenta",
    "white",
    "bright_black",
)
"""As many as the longest list of parts: ten named ones, static power, and the rest."""

SHADES = "█▓▒░"
ASCII_SHADES = "#=+-"
REST = "other"
"""Name of what is left when only the largest parts are shown."""


def largest(parts: Mapping[str, float], limit: int) -> list[str]:
    """The names of the ``limit`` largest parts, largest first; equal ones in the order of their names."""
    return sorted((name for name, value in parts.items() if value > 0), key=lambda name: (-parts[name], name))[:limit]


def widths(values: Sequence[float], width: int) -> list[int]:
    """Whole cells for each value, in proportion, summing to ``width`` (largest remainders first)."""
    total = sum(values)
    if total <= 0:
        return [0] * len(values)
    exact = [value / total * width for value in values]
    cells = [int(share) for share in exact]
    by_remainder = sorted(range(len(values)), key=lambda i: (cells[i] - exact[i], i))
    for index in by_remainder[: width - sum(cells)]:
        cells[index] += 1
    return cells


@dataclass(frozen=True)
class Swatch:
    """``cells`` cells in the look of the part at ``position``; the key of a bar is one cell."""

    position: int
    cells: int = 1

    def text(self, console: Console, options: ConsoleOptions) -> Text:
        """The cells: a colour where there are colours, else a shade."""
        shades = ASCII_SHADES if options.ascii_only else SHADES
        if console.color_system is None:
            return Text(shades[self.position % len(shades)] * self.cells)
        return Text(shades[0] * self.cells, style=COLOURS[self.position % len(COLOURS)])

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Rich's protocol."""
        yield self.text(console, options)

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        """Rich's protocol: as wide as its cells."""
        del console, options
        return Measurement(self.cells, self.cells)


@dataclass(frozen=True)
class StackedBar:
    """One line, as wide as there is room, shared out among ``values``."""

    values: tuple[float, ...]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Rich's protocol."""
        line = Text()
        for position, cells in enumerate(widths(self.values, options.max_width)):
            line.append_text(Swatch(position, cells).text(console, options))
        yield line


@dataclass(frozen=True)
class Gauge:
    """One line whose first part is filled: ``fraction`` of the room."""

    fraction: float

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Rich's protocol."""
        filled = round(min(1.0, max(0.0, self.fraction)) * options.max_width)
        empty = "." if options.ascii_only else "·"
        line = Swatch(0, filled).text(console, options)
        yield line.append(empty * (options.max_width - filled), style="dim")
