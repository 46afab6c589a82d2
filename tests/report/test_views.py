"""What people see of a result: the right figure under the right head, in the width there is."""

import io
from collections.abc import Callable

import pytest
from rich.console import Console, RenderableType

from simulator.metrics.result import Result
from simulator.report import compare_view, run_view
from simulator.report.comparison import Comparison, Entry, document

Sample = Callable[..., Result]


def rendered(view: RenderableType, width: int = 80) -> list[str]:
    console = Console(file=io.StringIO(), width=width, color_system=None, highlight=False)
    console.print(view)
    assert isinstance(console.file, io.StringIO)
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


def row(lines: list[str], start: str) -> list[str]:
    return next(line.split() for line in lines if line.lstrip("█▓▒░ ").startswith(start))


def test_headline_figures_stand_under_their_heads(sample: Sample) -> None:
    lines = rendered(run_view.view(sample()))
    assert lines[1].split() == ["tokens/s", "TPOT", "TTFT", "power", "tokens/J", "memory"]
    assert lines[2].split("  ")[0:1] == ["321"]
    assert " ".join(lines[2].split()) == "321 12.5 ms 777 ms 49.1 W 6.54 13.0 GiB of 16.0 GiB"


def test_op_kinds_show_their_average_per_step_and_what_held_them(sample: Sample) -> None:
    lines = rendered(run_view.view(sample()))
    assert " ".join(row(lines, "qkv_proj")[1:]) == "qkv_proj 10.0 ms 80.0 % 500 mJ 83.3 % dram column rate"
    assert " ".join(row(lines, "static")[1:]) == "static 0 s 0.0 % 100 mJ 16.7 % flows all the time"
    assert not any("other" in line for line in lines)


def test_what_does_not_fit_in_the_list_is_added_up(sample: Sample) -> None:
    time = {f"kind{n:02}": 0.1 for n in range(20)}
    lines = rendered(
        run_view.view(
            sample(time_by_op_kind_s={"prefill": {}, "decode": time}, energy_by_op_kind_j={"prefill": {}, "decode": {}})
        )
    )
    assert " ".join(row(lines, "other")[1:4]) == "other 100 ms"


def test_components_show_their_busy_share_and_energy(sample: Sample) -> None:
    memory = row(rendered(run_view.view(sample())), "memory ")
    assert [cell for cell in memory if cell.replace(".", "").isdigit()] == ["75.0", "75.0", "33.0"]


def test_a_run_without_decode_steps_shows_its_prompt(sample: Sample) -> None:
    none = dict.fromkeys(("tokens_per_s", "tokens_per_j", "power_w", "edp_j_s"))
    changes = none | {
        "latency": {"ttft_s": 0.777, "tpot_s": None, "e2e_s": 0.777},
        "time_by_op_kind_s": {"prefill": {"qkv_proj": 0.777}, "decode": {}},
        "energy_by_op_kind_j": {"prefill": {"qkv_proj": 38.0}, "decode": {}},
    }
    lines = rendered(run_view.view(sample(**changes)))
    assert any(line.startswith("Prompt, by op kind") for line in lines)
    assert " ".join(row(lines, "qkv_proj")[1:4]) == "qkv_proj 777 ms"


@pytest.mark.parametrize("width", [80, 120])
def test_no_line_is_wider_than_the_terminal(sample: Sample, width: int) -> None:
    entries = [
        Entry("aim_1card", "aim_1card", sample()),
        Entry("hbm3_npu", "hbm3_npu", sample("hbm3_npu")),
    ]
    for view in (run_view.view(sample()), compare_view.view(Comparison(entries))):
        lines = rendered(view, width)
        assert all(len(line) <= width for line in lines)
        assert not any("…" in line for line in lines)


def test_a_comparison_keeps_what_does_not_fit_as_a_row_with_its_reason(sample: Sample) -> None:
    entries = [
        Entry("aim_1card", "aim_1card", sample()),
        Entry("small", "small", None, "memory: 9 GiB too little"),
    ]
    lines = rendered(compare_view.view(Comparison(entries)))
    assert " ".join(row(lines, "small ")) == "small does not fit"
    assert "small: memory: 9 GiB too little" in lines
    assert document(Comparison(entries))["runs"][1] == {
        "name": "small",
        "design": "small",
        "error": "memory: 9 GiB too little",
    }
