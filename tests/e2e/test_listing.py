"""`nearbank list` and `nearbank show`: what there is, and what it resolves to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

NAMES = {
    "archs": {"aim_1card", "hbm3_npu", "hbm2_pim_bank"},
    "models": {"llama2_7b", "llama2_70b", "llama3_8b"},
    "scenarios": {"llama2_7b_512_64", "decode_512"},
    "drams": {"gddr6_aim", "gddr6_aim_ref", "hbm2_2.0g", "hbm3_6.4g"},
    "units": set(),
    "quality": {"qserve", "wanda", "efficientqat"},
}


@pytest.mark.parametrize("kind", NAMES)
def test_every_name_has_a_description_and_what_is_measured_a_source(nearbank: Callable[..., Any], kind: str) -> None:
    shown = nearbank("list", kind, "--json")
    assert shown.code == 0
    assert {entry["name"] for entry in shown.json} >= NAMES[kind]
    assert all(entry["description"] for entry in shown.json)
    assert all(entry["source"] for entry in shown.json if kind != "scenarios")


def test_a_listing_is_one_line_for_each_name(nearbank: Callable[..., Any]) -> None:
    names = [entry["name"] for entry in nearbank("list", "drams", "--json").json]
    assert [line.split()[0] for line in nearbank("list", "drams").out.splitlines()] == names


def test_show_gives_the_peak_figures_of_each_part(nearbank: Callable[..., Any]) -> None:
    parts = nearbank("show", "hbm3_npu", "--json").json["components"]
    # 16 channels of 64 pins at 6.4 Gb/s; four arrays of 128 x 128 multiply-adds at 1.5 GHz.
    assert parts["memory"]["bytes_per_s"] == {"pins->controller and controller->pins": 16 * 64 * 6.4e9 / 8}
    assert parts["matrix"]["flops_per_s"] == pytest.approx(2 * 4 * 128 * 128 * 1.5e9, rel=1e-3)
    assert parts["memory"]["capacity_bytes"] == 16 * 2**30


def test_show_gives_the_peak_rate_of_near_bank_units(nearbank: Callable[..., Any]) -> None:
    parts = nearbank("show", "aim_1card", "--json").json["components"]
    # 32 channels of 16 banks, 32 bytes (16 elements) each every 2 clocks of 500 ps.
    assert parts["memory"]["bytes_per_s"]["bank_io->mac"] == pytest.approx(32 * 16 * 32 / 1e-9)
    assert parts["near_bank"]["flops_per_s"] == pytest.approx(32 * 16 * 16 * 2 / 1e-9)


def test_show_follows_overrides(nearbank: Callable[..., Any]) -> None:
    full, half = (nearbank("show", "aim_1card", *more, "--json").json for more in ((), ("--set", "memory.channels=16")))
    assert half["components"]["memory"]["capacity_bytes"] * 2 == full["components"]["memory"]["capacity_bytes"]
    assert half["content_hash"] != full["content_hash"]


def test_show_lists_every_guess(nearbank: Callable[..., Any]) -> None:
    guesses = nearbank("show", "aim_1card", "--json").json["guesses"]
    text = nearbank("show", "aim_1card").out
    assert guesses
    assert f"{len(guesses)} guesses" in text
    assert all(guess.split(":")[0] in text for guess in guesses)


def test_every_shipped_platform_can_be_shown(nearbank: Callable[..., Any]) -> None:
    for entry in nearbank("list", "archs", "--json").json:
        shown = nearbank("show", entry["name"])
        assert (shown.code, shown.err) == (0, "")


def test_the_quality_of_a_model_is_shown_with_recipes_and_sources(nearbank: Callable[..., Any]) -> None:
    found = nearbank("show", "llama2_7b", "--quality", "--json").json
    assert {
        "model": "llama2_7b",
        "metric": "wikitext2_2048_perplexity",
        "value": 5.6,
        "recipe": "AWQ W4A16 g128",
        "how": "perplexity of WikiText-2 in pieces of 2,048 tokens",
        "blocks": {"quantization": {"weights": {"format": "int4", "group_size": 128}}},
        "file": "qserve",
    }.items() <= next(f for f in found if f["recipe"].startswith("AWQ")).items()
    text = nearbank("show", "llama2_7b", "--quality").out
    assert all(figure["file"] in text and figure["metric"] in text for figure in found)


def test_a_model_without_published_figures_says_so(nearbank: Callable[..., Any]) -> None:
    assert nearbank("show", "falcon_7b", "--quality", "--json").json == []
    assert "nothing is recorded of falcon_7b" in nearbank("show", "falcon_7b", "--quality").out


BAD_QUALITY = (
    (("llama2_7c", "--quality"), "there is no model 'llama2_7c' (known: nearbank list models); nearest: 'llama2_7b'"),
    (("llama2_7b", "--quality", "--batch", "2"), "--quality goes with a model alone"),
)


@pytest.mark.parametrize(("arguments", "message"), BAD_QUALITY)
def test_quality_is_asked_of_a_model_alone(
    nearbank: Callable[..., Any], arguments: tuple[str, ...], message: str
) -> None:
    shown = nearbank("show", *arguments)
    assert shown.code == 2
    assert shown.err.count("\n") == 1
    assert message in shown.err
