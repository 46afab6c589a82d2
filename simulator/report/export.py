"""Pictures as files: SVG by itself, PNG and PDF by CairoSVG."""

from __future__ import annotations

from pathlib import Path

from simulator.errors import ConfigError
from simulator.report.pictures.picture import HALF, Picture, standalone_svg

FORMATS = (".svg", ".png", ".pdf")
PAPER_WIDTH = 760.0
PIXELS_PER_UNIT = 3.0
"""A PNG is so many times finer than the drawing: 300 dpi at 7.6 inches."""


def check_suffix(path: Path) -> None:
    """Raise ConfigError for a file that is none of `FORMATS`."""
    if path.suffix.lower() not in FORMATS:
        raise ConfigError(
            f"'{path.suffix}' is not a format of pictures (allowed: {', '.join(FORMATS)})", file=str(path)
        )


def write(picture: Picture, path: Path, width: float | None = None) -> None:
    """Draw ``picture`` into ``path``, in the format of its suffix.

    Raises ConfigError for PNG and PDF where CairoSVG, or the cairo library that it needs, is not installed.
    """
    svg = standalone_svg(picture, width or (HALF if picture.half else PAPER_WIDTH))
    suffix = path.suffix.lower()
    if suffix == ".svg":
        path.write_text(svg, encoding="utf-8")
        return
    try:
        import cairosvg
    except ImportError:
        raise ConfigError(
            f"{suffix[1:].upper()} needs CairoSVG: pip install 'nearbank[plot]' (SVG does without)"
        ) from None
    except OSError as error:
        raise ConfigError(f"CairoSVG does not find the cairo library (Debian: libcairo2): {error}") from None
    if suffix == ".png":
        cairosvg.svg2png(bytestring=svg.encode(), write_to=str(path), scale=PIXELS_PER_UNIT)
    else:
        cairosvg.svg2pdf(bytestring=svg.encode(), write_to=str(path))
