"""How pictures look: colours that the colour-blind can tell apart (Okabe and Ito, 2008), and a shape for each too."""

from __future__ import annotations

from collections.abc import Mapping

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Liberation Sans', Helvetica, Arial, sans-serif"
EXPORT_FONT = "'Liberation Sans', Helvetica, Arial, 'DejaVu Sans', sans-serif"

LIGHT: Mapping[str, str] = {
    "paper": "#ffffff",
    "ink": "#1b1f24",
    "soft": "#56606b",
    "rule": "#c9cfd6",
    "grid": "#e8ebee",
    "c0": "#0072b2",
    "c1": "#e69f00",
    "c2": "#009e73",
    "c3": "#d55e00",
    "c4": "#56b4e9",
    "c5": "#cc79a7",
    "c6": "#f0e442",
    "c7": "#4d5660",
    "c8": "#a6aeb7",
    "c9": "#d6dade",
    "on-deep": "#ffffff",
    "on-grey": "#111111",
}
"""Ink and eight colours; ``c7`` to ``c9`` are greys for what is not told apart (static power, waiting, the rest)."""

DARK: Mapping[str, str] = {
    "paper": "#15181c",
    "ink": "#eceff2",
    "soft": "#a3adb8",
    "rule": "#454d56",
    "grid": "#272c32",
    "c0": "#4b9be6",
    "c1": "#f0b429",
    "c2": "#2cc295",
    "c3": "#ff7f3f",
    "c4": "#9bd4f7",
    "c5": "#e79cc6",
    "c6": "#f5ec6b",
    "c7": "#99a3ae",
    "c8": "#67717c",
    "c9": "#454d56",
    "on-deep": "#111111",
    "on-grey": "#ffffff",
}

DEEP_FILLS, GREY_FILLS = ("c0", "c2", "c3", "c7"), ("c8", "c9")
"""Fills whose letters change with the theme: white on deep ones in the light theme, on greys in the dark one."""

COLOURS = 7
GREYS = {"static": "c7", "waiting": "c8", "host": "c8", "other": "c9"}
FAMILY_COLOURS = {"cpu": "c4", "gpu": "c2", "fpga": "c1", "asic": "c5", "pim": "c3", "ndp3d": "c0", "hybrid": "c7"}
FAMILY_SHAPES = {
    "cpu": "circle",
    "gpu": "square",
    "fpga": "diamond",
    "asic": "up",
    "pim": "star",
    "ndp3d": "down",
    "hybrid": "cross",
}
FAMILY_NAMES = {
    "cpu": "CPU",
    "gpu": "GPU",
    "fpga": "FPGA",
    "asic": "ASIC",
    "pim": "PIM/NDP",
    "ndp3d": "3D stack",
    "hybrid": "cooperation",
}
SHAPES = ("circle", "square", "diamond", "up", "star", "down", "cross")


def colour(position: int) -> str:
    """The class of the colour of a part at ``position`` of a list."""
    return f"c{position % COLOURS}"


def classes() -> str:
    """The rules of all classes that pictures use, with the colours as variables."""
    names = [name for name in LIGHT if name[0] == "c"]
    fills = "".join(f".f-{name}{{fill:var(--{name})}}.s-{name}{{stroke:var(--{name})}}" for name in names)
    return fills + (
        ".tick{font-size:12px;fill:var(--soft)}"
        ".name{font-size:12.5px;fill:var(--ink)}"
        ".axis-name{font-size:12.5px;fill:var(--ink)}"
        ".strong{font-size:12.5px;font-weight:600;fill:var(--ink)}"
        ".small{font-size:11px;fill:var(--soft)}"
        ".halo{fill:var(--paper);stroke:var(--paper);stroke-width:3px;stroke-linejoin:round}"
        ".on-deep{font-size:11px;fill:var(--on-deep)}.on-grey{font-size:11px;fill:var(--on-grey)}"
        ".on-light{font-size:11px;fill:#111}"
        ".grid{stroke:var(--grid);stroke-width:1}"
        ".axis{stroke:var(--rule);stroke-width:1}"
        ".iso{stroke:var(--rule);stroke-width:1;stroke-dasharray:5 4}"
        ".roof{fill:none;stroke:var(--soft);stroke-width:1.5}"
        ".series{fill:none;stroke-width:2}"
        ".dot{stroke:var(--paper);stroke-width:1.2}"
        ".hollow{fill:var(--paper);fill-opacity:.35;stroke-width:1.3}"
        ".box{fill:var(--paper);stroke:var(--rule);stroke-width:1.2}"
        ".track{fill:var(--grid)}"
        ".seg{stroke:var(--paper);stroke-width:1}"
        ".hatch{stroke:var(--paper);stroke-width:2.2}"
        ".wire{fill:none;stroke:var(--soft);stroke-width:1.5}"
        ".points{fill:none;stroke-width:4;stroke-linecap:round;stroke-opacity:.45}"
        ".lines{fill:none;stroke:var(--c0);stroke-width:1;stroke-opacity:.14}"
        ".cap{fill:none;stroke:var(--c3);stroke-width:1.5;stroke-dasharray:2 3}"
    )


def variables(theme: Mapping[str, str]) -> str:
    """The colours of a theme as CSS variables."""
    return "".join(f"--{name}:{value};" for name, value in theme.items())


def export_rules() -> str:
    """The rules for a picture that stands alone: light, colours written out, since not every reader knows variables."""
    rules = classes()
    for name, value in LIGHT.items():
        rules = rules.replace(f"var(--{name})", value)
    return f"text{{font-family:{EXPORT_FONT}}}{rules}"
