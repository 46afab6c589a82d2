"""Pictures: their tables hold the result's figures, their drawings are well formed at any width and hold each mark."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from xml.etree import ElementTree as ET

import pytest
from drawn_runs import DESIGNS, MODEL, money, run, runs, stream, sweep

from simulator.report.command_roles import refresh_share, row_hit_share
from simulator.report.evidence import Evidence
from simulator.report.page.build import page
from simulator.report.pictures.catalog import every_picture
from simulator.report.pictures.hops import looks_of, pj_per_bit
from simulator.report.pictures.picture import HALF, NARROW, WIDE, Picture, standalone_svg
from simulator.report.pictures.roofline import dots_of, roofs
from simulator.report.pictures.shares import looks
from simulator.report.survey import published

SVG = "{http://www.w3.org/2000/svg}"


@cache
def pictures() -> dict[str, Picture]:
    return every_picture(Evidence(runs(), sweeps=[sweep()], max_power_w=100.0, money=money()))


def test_the_catalog_is_complete() -> None:
    shared = {"survey", "batch-speed", "batch-efficiency", "latency", "time-op", "pj-per-bit"}
    shared |= {"cost-speed", "cost-parts", "cost-plans"}
    shared |= {f"energy-{part}" for part in ("class", "op", "component")}
    single = {
        f"{kind}:{one.name}"
        for one in runs()
        for kind in ("roofline", "utilization", "profile", "commands", "topology")
    }
    single |= {f"banks:{one.name}:memory" for one in runs()}
    single |= {f"area:{one.name}" for one in runs() if one.design.startswith("ndp3d")}
    swept = {
        f"{kind}:made_up"
        for kind in ("parallel", "sensitivity", "front-tokens-per-s-tokens-per-j", "front-power-w-tokens-per-s")
    }
    assert set(pictures()) == shared | single | swept


@pytest.mark.parametrize("width", [NARROW, HALF, WIDE])
def test_a_picture_is_well_formed_within_its_frame_and_says_what_it_shows(width: float) -> None:
    for picture in pictures().values():
        root = ET.fromstring(standalone_svg(picture, width))
        assert [root.find(f"{SVG}{tag}").text for tag in ("title", "desc")] == [picture.title, picture.summary]  # type: ignore[union-attr]
        assert len(picture.summary) > 20
        height = float(root.attrib["height"])
        limits = {"cx": width, "cy": height, "x1": width, "x2": width, "y1": height, "y2": height}
        for element in root.iter():
            for key, limit in limits.items():
                assert -2 <= float(element.get(key, 0)) <= limit + 2, (picture.name, element.tag, element.attrib)
        assert picture.table.rows
        assert all(len(row) == len(picture.table.columns) for row in picture.table.rows)


def test_a_request_stream_is_shown_over_time_and_by_its_own_steps_and_tokens() -> None:
    told = stream()
    drawn = every_picture(Evidence([told]))
    assert {"requests:h100_sxm_requests", "kv-pages:h100_sxm_requests"} <= set(drawn)
    assert not {"batch-speed", "latency"} & set(drawn)
    traffic = told.result.traffic
    assert traffic is not None
    waiting = [row[1] for row in drawn["requests:h100_sxm_requests"].table.rows]
    assert waiting == list(traffic.series.waiting)
    assert max(waiting) > 0
    step_s = sum(value for value in drawn["time-op"].table.rows[0][1:] if isinstance(value, float))
    assert step_s * traffic.steps == pytest.approx(sum(told.result.time_by_op_kind_s["decode"].values()))
    token_j = sum(value for value in drawn["energy-op"].table.rows[0][1:] if isinstance(value, float))
    assert token_j * (traffic.output_tokens - traffic.requests) == pytest.approx(
        sum(told.result.energy_by_op_kind_j["decode"].values())
    )


def test_a_page_says_of_a_request_stream_what_clients_saw() -> None:
    shown = page(Evidence([stream()]))
    assert "h100_sxm on tiny, requests</h1>" in shown
    assert "6 requests of 20 prompt + 4 output tokens on average" in shown
    assert "those of the decode stage" not in shown
    assert "TTFT p99 (ms)" in shown


def test_a_batch_and_a_request_stream_of_one_design_are_not_joined() -> None:
    drawn = every_picture(Evidence([stream(), run("h100_sxm"), run("h100_sxm", 8)]))
    assert [row[0] for row in drawn["latency"].table.rows] == [
        "h100_sxm, requests",
        "h100_sxm, batch 1",
        "h100_sxm, batch 8",
    ]
    assert [row[0] for row in drawn["batch-speed"].table.rows] == ["h100_sxm"]


def test_the_survey_holds_every_published_point_and_every_run() -> None:
    picture = pictures()["survey"]
    marks = [e for e in ET.fromstring(standalone_svg(picture, WIDE)).iter() if e.get("data-tip")]
    assert len(marks) == len(picture.table.rows) == len(published()) + len(runs()) == 180 + len(runs())
    assert len(picture.table.keys) == len(picture.table.rows)


def test_the_published_points_span_what_the_survey_says() -> None:
    """Ranges of its section on platforms: tokens/s and watts, lowest and highest."""
    ranges = {"cpu": (42, 3, 50, 3, 880), "gpu": (82, 13.7, 343.4, 40, 700), "fpga": (22, 3.61, 450, 2.5, 572)}
    ranges |= {"asic": (24, 9.95, 2700, 1.6, 15000), "pim": (10, 10, 24100, 11.5, 300)}
    for family, (count, *limits) in ranges.items():
        points = [point for point in published() if point.family == family]
        speeds, watts = [p.tokens_per_s for p in points], [p.power_w for p in points]
        assert len(points) == count
        assert [min(speeds), max(speeds), min(watts), max(watts)] == pytest.approx(limits, rel=0.06)
    assert all(point.caveats and point.paper for point in published())


@pytest.mark.parametrize(
    ("name", "total"),
    [
        ("energy-class", lambda one: one.result.energy_j.total),
        ("energy-component", lambda one: one.result.energy_j.total),
        ("energy-op", lambda one: 1 / one.result.tokens_per_j),
        ("time-op", lambda one: one.result.latency.tpot_s),
    ],
)
def test_the_parts_of_a_bar_sum_to_the_figure_of_the_result(name: str, total: object) -> None:
    rows = pictures()[name].table.rows
    for one, (label, *parts) in zip(runs(), rows, strict=True):
        assert label == one.label
        assert sum(parts) == pytest.approx(total(one))  # type: ignore[operator, arg-type]


def test_every_part_of_a_bar_has_a_look_of_its_own() -> None:
    names = [*(f"part{n}" for n in range(9)), "static", "host", "other"]
    assert len(set(looks(names).values())) == len(names)
    assert len(set(looks_of(runs()).values())) == len(DESIGNS)


def test_an_op_on_the_roofline_is_under_the_roofs() -> None:
    for one in runs():
        assert one.point is not None
        slopes, flats = roofs(one.point)
        dots = dots_of(one)
        assert dots
        assert sum(dot.time_share for dot in dots) <= 1 + 1e-9
        for dot in dots:
            assert dot.flops_per_s <= max(flats.values())
            assert dot.flops_per_s <= max(slopes.values()) * dot.flops_per_byte * 1.0001


def test_moving_a_bit_costs_its_class_over_its_bits() -> None:
    one = run("aim_1card")
    bits = 8 * one.result.data_movement_bytes["cell_array->bank_io"]
    assert pj_per_bit(one)["cell array to bank I/O"] == pytest.approx(
        one.result.energy_j.by_class["dram_array"] * 1e12 / bits
    )


def test_row_hits_count_each_bank_of_a_command() -> None:
    roles = {
        "ACT4": {"kind": "activate", "banks": 4},
        "MACab": {"kind": "column access", "banks": 16},
        "RD": {"kind": "column access", "banks": 1},
    }
    assert row_hit_share({"ACT4": 4, "MACab": 10}, roles) == pytest.approx(1 - 16 / 160)
    assert row_hit_share({"ACT4": 1, "RD": 5}, roles) == pytest.approx(0.2)
    assert row_hit_share({"ACT4": 1}, roles) is None


def test_refresh_takes_its_commands_over_all_ranks() -> None:
    one = {"dram": {"refresh": {"command": "REFab", "time_ps": 50, "ranks": 4}}}
    assert refresh_share({"REFab": 8}, 1000, [one]) == pytest.approx(8 * 50 / 4000)
    assert refresh_share({"REFab": 8}, 1000, [one, one, {}]) == pytest.approx(8 * 50 / 8000)
    slower = {"dram": {"refresh": {"command": "REFab", "time_ps": 90, "ranks": 4}}}
    assert refresh_share({"REFab": 8}, 1000, [one, slower]) is None
    assert refresh_share({"REFab": 8}, 1000, [{"dram": {"refresh": None}}]) is None


def test_a_run_whose_platform_cannot_be_built_has_no_pictures_of_it() -> None:
    alone = replace(run("aim_1card"), point=None)
    names = set(every_picture(Evidence([alone])))
    assert {"survey", "energy-class", f"commands:{alone.name}", f"utilization:{alone.name}"} <= names
    assert not names & {f"roofline:{alone.name}", f"topology:{alone.name}"}


def test_a_run_without_decode_steps_still_has_a_report() -> None:
    names = set(every_picture(Evidence([run("aim_1card", output_tokens=1)])))
    assert "energy-class" in names
    assert not names & {"survey", "latency"}


def test_a_run_in_the_survey_says_in_what_it_differs_from_the_published_points() -> None:
    rows = pictures()["survey"].table.rows
    assert rows[0][8] == f"simulated; {MODEL.n_parameters / 1e9:.3g} billion parameters, the published points about 7"
    assert "batch 8, the published points are batch 1" in str(rows[len(DESIGNS)][8])
