"""Drawing: scales and their ticks, labels that keep apart, markup that is well formed."""

from __future__ import annotations

import math
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.report.svg.axes import Area
from simulator.report.svg.canvas import Canvas, shortened, text_width
from simulator.report.svg.labels import Box, around, place
from simulator.report.svg.scales import Linear, Log, log_around
from simulator.report.svg.style import COLOURS, DARK, LIGHT, colour

spans = st.tuples(st.floats(1e-6, 1e9), st.floats(1.001, 1e6)).map(lambda pair: (pair[0], pair[0] * pair[1]))


@given(spans)
def test_ticks_lie_inside_grow_and_are_few(span: tuple[float, float]) -> None:
    for scale in (Linear(*span, 0, 500), Log(*span, 0, 500)):
        ticks = scale.ticks(6)
        assert ticks == sorted(set(ticks))
        assert len(ticks) <= 20
        assert all(span[0] * (1 - 1e-6) <= tick <= span[1] * (1 + 1e-6) for tick in ticks)


@given(spans, st.floats(0, 1))
def test_a_scale_meets_its_ends_and_keeps_the_order(span: tuple[float, float], share: float) -> None:
    for scale in (Linear(*span, 40, 300), Log(*span, 40, 300)):
        assert scale(span[0]) == pytest.approx(40)
        assert scale(span[1]) == pytest.approx(300)
        assert 40 - 1e-6 <= scale(span[0] + share * (span[1] - span[0])) <= 300 + 1e-6


def test_equal_ratios_are_equally_long() -> None:
    scale = Log(1, 1000, 0, 300)
    assert [scale(value) for value in (1, 10, 100, 1000)] == pytest.approx([0, 100, 200, 300])
    assert log_around([0.0, 5.0, 20.0], room=2) == (2.5, 40.0)


@given(
    st.lists(
        st.tuples(st.floats(20, 480), st.floats(20, 280), st.text("abcdefgh", min_size=1, max_size=14)), max_size=14
    )
)
def test_no_label_lies_on_another_or_outside(points: list[tuple[float, float, str]]) -> None:
    canvas = Canvas(500, 300)
    place(canvas, Area(0, 0, 500, 300), points)
    texts = [element for element in ET.fromstring(f"<g>{canvas.content()}</g>") if element.get("class") == "strong"]
    boxes = []
    for element in texts:
        x, y = float(element.attrib["x"]), float(element.attrib["y"])
        width = text_width(element.text or "", 12.5)
        left = x - width if element.get("text-anchor") == "end" else x
        boxes.append(Box(left, y - 9, left + width, y + 1))
    for position, box in enumerate(boxes):
        assert box.left >= -0.1
        assert box.right <= 500.1
        assert not any(box.meets(other) for other in boxes[:position])


def test_a_point_takes_room_around_it() -> None:
    assert around(10, 10, 2).meets(Box(11, 11, 20, 20))
    assert not around(10, 10, 2).meets(Box(13, 11, 20, 20))


def test_words_are_shortened_to_their_room_and_escaped() -> None:
    assert shortened("a long name", 1000) == "a long name"
    short = shortened("a very long name of a platform", 80)
    assert short.endswith("…")
    assert text_width(short) <= 80
    canvas = Canvas(10, 10)
    canvas.text(0, 0, 'a < b & "c"', data_tip='say "x" & y')
    (element,) = ET.fromstring(f"<g>{canvas.content()}</g>")
    assert (element.text, element.get("data-tip")) == ('a < b & "c"', 'say "x" & y')


def contrast(one: str, other: str) -> float:
    def luminance(hex_colour: str) -> float:
        channels = [int(hex_colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_letters_can_be_read_on_paper(theme: dict[str, str]) -> None:
    assert contrast(theme["ink"], theme["paper"]) > 7
    assert contrast(theme["soft"], theme["paper"]) > 4.5


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_colours_can_be_told_apart_by_those_who_see_no_red_or_green(theme: dict[str, str]) -> None:
    """Through Vienot's (1999) simulation of a deuteranope no two colours of a picture fall together."""

    def seen(hex_colour: str) -> tuple[float, float, float]:
        r, g, b = ((int(hex_colour[n : n + 2], 16) / 255) ** 2.2 for n in (1, 3, 5))
        red_green = 0.29275 * r + 0.70725 * g
        blue = -0.02234 * r + 0.02234 * g + b
        return (red_green ** (1 / 2.2), red_green ** (1 / 2.2), max(0.0, blue) ** (1 / 2.2))

    colours = [seen(theme[colour(n)]) for n in range(COLOURS)]
    apart = min(math.dist(one, other) for n, one in enumerate(colours) for other in colours[:n])
    assert apart > 0.08
