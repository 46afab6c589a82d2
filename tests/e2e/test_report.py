"""`nearbank report`, `plot` and the page of `compare`: files that stand alone, and bad input in one line."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

SHORT = ("llama2_7b_512_64", "--set", "workload.prompt_tokens=8", "--set", "workload.output_tokens=3")
Nearbank = Callable[..., Any]
PRICES = """
extends: onprem_pilot
kind: cost
name: mine
machines:
  hbm3_npu: {parts: {card: {usd_each: 1e4, source: test}}}
"""


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a comparison, of which some runs do not fit and one design has no such units."""
    from simulator.cli.main import main

    folder, prices = tmp_path_factory.mktemp("compared"), tmp_path_factory.mktemp("prices") / "mine.yaml"
    prices.write_text(PRICES)
    job = ["compare", "aim_1card", "hbm3_npu", "u280", "kv260", "--workload", *SHORT, "--batch", "1", "--batch", "2"]
    methods = ["--method", "fp16", "--method", "w8:precision.weights=int8"]
    assert main([*job, *methods, "--max-power-w", "60", "--costs", str(prices), "-o", str(folder), "--json"]) == 2
    return folder


class Outline(HTMLParser):
    """Counts elements, checks that they close in order, and keeps what refers to something outside."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.outside: list[str] = []
        self.counts: dict[str, int] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.counts[tag] = self.counts.get(tag, 0) + 1
        if tag not in {"meta", "link", "input", "br"}:
            self.open.append(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            if name in {"src", "srcset"} or (
                tag == "link" and name == "href" and not (value or "").startswith("data:")
            ):
                self.outside.append(f"{tag} {name}={value}")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in {"meta", "link", "input", "br"}:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def outline(page: Path) -> Outline:
    parser = Outline()
    parser.feed(page.read_text())
    parser.close()
    return parser


def test_the_page_of_a_comparison_stands_alone(compared: Path) -> None:
    page = compared / "index.html"
    found = outline(page)
    assert (found.open, found.outside) == ([], [])
    assert len(set(found.ids)) == len(found.ids)
    assert found.counts["figure"] >= 20
    assert page.stat().st_size < 5e6
    text = page.read_text()
    assert not re.search(r"url\(|@import|fetch\(|XMLHttpRequest", text)
    comparison = json.loads((compared / "comparison.json").read_text())
    assert comparison["command"] in text.replace("&#x27;", "'")
    for winner in comparison["winners"]:
        assert winner["question"] in text
    assert all(name in text for name in ("kv260_fp16_batch1", "aim_1card_w8_batch2"))


def test_a_comparison_runs_every_method_at_every_batch(compared: Path) -> None:
    comparison = json.loads((compared / "comparison.json").read_text())
    runs = {run["name"]: run for run in comparison["runs"]}
    assert set(runs) == {
        f"{arch}_{method}_batch{batch}"
        for arch in ("aim_1card", "hbm3_npu", "u280", "kv260")
        for method in ("fp16", "w8")
        for batch in (1, 2)
    }
    assert runs["hbm3_npu_w8_batch1"]["tokens_per_s"] > 1.5 * runs["hbm3_npu_fp16_batch1"]["tokens_per_s"]
    failed = {name for name, run in runs.items() if "error" in run}
    assert failed == {f"{name}_batch{n}" for name in ("kv260_w8", "kv260_fp16", "u280_fp16") for n in (1, 2)}
    done = [run for run in runs.values() if "error" not in run]
    best = max(done, key=lambda run: run["tokens_per_s"])
    capped = max((run for run in done if run["power_w"] <= 60), key=lambda run: run["tokens_per_s"])
    named = {winner["question"]: winner["name"] for winner in comparison["winners"]}
    assert named["Most tokens/s"] == best["name"]
    assert named["Most tokens/s within 60.0 W"] == capped["name"]
    priced = {run["name"]: run["usd_per_million_tokens"] for run in done}
    assert {name for name, usd in priced.items() if usd is None} == {"u280_w8_batch1", "u280_w8_batch2"}
    assert named["Cheapest tokens"] == min((name for name in priced if priced[name]), key=lambda name: priced[name])


def test_a_report_of_the_folder_is_the_page_again(nearbank: Nearbank, compared: Path, tmp_path: Path) -> None:
    shown = nearbank("report", compared, "-o", tmp_path / "again.html")
    assert (shown.code, shown.out) == (0, f"{tmp_path / 'again.html'}\n")
    again, first = ((path).read_text() for path in (tmp_path / "again.html", compared / "index.html"))
    assert again.partition("<footer>")[0] == first.partition("<footer>")[0]


def test_a_run_is_shown_with_the_command_that_gives_it_again(nearbank: Nearbank, tmp_path: Path) -> None:
    changed = ("--set", "memory.channels=40", "--set", "workload.precision.weights=int8")
    assert nearbank("run", "h100_sxm", *SHORT, *changed, "--batch", 2, "-o", tmp_path, "--json").code == 0
    assert nearbank("report", tmp_path).code == 0
    commands = re.findall(r"<code>(nearbank run .*?)</code>", (tmp_path / "report.html").read_text())
    assert len(commands) == 1
    words = commands[0].replace("&quot;", '"').replace("&#x27;", "'").split()[1:]
    again = nearbank(*[word.strip("'") for word in words], "--json").json
    given = json.loads((tmp_path / "result.json").read_text())
    del again["provenance"]["wall_s"], given["provenance"]["wall_s"]
    assert again == given


def test_pictures_become_files_in_every_format(nearbank: Nearbank, compared: Path, tmp_path: Path) -> None:
    names = [line.split()[0] for line in nearbank("plot", compared).out.splitlines()]
    assert {"survey", "energy-class", "roofline:hbm3_npu_w8_batch2", "banks:aim_1card_w8_batch2:memory"} <= set(names)
    starts = {"svg": b"<?xml", "png": b"\x89PNG", "pdf": b"%PDF"}
    for suffix, start in starts.items():
        path = tmp_path / f"fig.{suffix}"
        if suffix != "svg":
            pytest.importorskip("cairosvg", exc_type=(ImportError, OSError))
        assert nearbank("plot", compared, "survey", "-o", path).code == 0
        assert path.read_bytes().startswith(start)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("report", "."), "holds neither result.json"),
        (("report", "nowhere"), "nowhere: there is no such folder"),
        (("plot", "{}", "surwey", "-o", "a.svg"), "there is no picture 'surwey' in {}; nearest: 'survey'"),
        (("plot", "{}", "survey"), "a picture needs a file to go to"),
        (("plot", "{}", "survey", "-o", "a.gif"), "'.gif' is not a format of pictures (allowed: .svg, .png, .pdf)"),
        (("report", "{}", "--max-power-w", "-3"), "'-3' is not a number above 0"),
        (("compare", "aim_1card", "--workload", "x", "--method", "w4:int4"), "'int4' is not PATH=VALUE"),
        (("compare", "aim_1card", "--workload", "x", "--method", "a b"), "'a b' is not NAME:PATH=VALUE"),
        (("compare", "aim_1card", "l40ss", "--workload", SHORT[0]), "no platform 'l40ss'"),
        (("compare", "aim_1card", "--workload", "x", "--baseline", "a"), "--baseline needs prices: --costs NAME"),
        (("compare", "l40s", "--workload", SHORT[0], "--costs", "onprem_pilot"), "no run of a machine of these costs"),
        (("report", "{}", "--costs", "onprem_pilto"), "nearest: 'onprem_pilot'"),
        (("report", "{}", "--costs", "onprem_pilot", "--baseline", "rtx4090"), "--baseline needs a load"),
        (("report", "{}", "--costs", "onprem_pilot", "--baseline", "rtx409"), "nearest: 'rtx4090'"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(
    nearbank: Nearbank,
    compared: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    shown = nearbank(*(word.format(compared) for word in words))
    assert (shown.code, shown.out, shown.err.count("\n")) == (2, "", 1)
    assert message.format(compared) in shown.err


def test_a_damaged_result_or_comparison_is_one_line(nearbank: Nearbank, compared: Path, tmp_path: Path) -> None:
    (tmp_path / "result.json").write_text('{"schema": "nearbank.result/1"}')
    shown = nearbank("report", tmp_path)
    assert (shown.code, shown.err.count("\n")) == (2, 1)
    result = (compared / "hbm3_npu_w8_batch1" / "result.json").read_text()
    (tmp_path / "result.json").write_text(result)
    (tmp_path / "commands.csv").write_text("memory,1\n")
    shown = nearbank("report", tmp_path)
    assert (shown.code, shown.err.count("\n")) == (2, 1)
    assert shown.err.startswith(f"{tmp_path / 'commands.csv'}: it holds no commands")
    (tmp_path / "comparison.json").write_text("[1]")
    shown = nearbank("report", tmp_path)
    assert (shown.code, shown.err) == (2, f"{tmp_path / 'comparison.json'}: is not a comparison\n")


def test_a_sweep_is_a_page_with_its_points(nearbank: Nearbank, tmp_path: Path) -> None:
    spec = tmp_path / "sweep.yaml"
    axes = (
        "{memory.channels: [32, 64], workload.batch: [1, 2], workload.prompt_tokens: [4], workload.output_tokens: [2]}"
    )
    spec.write_text(f"arch: aim_1card\nworkload: llama2_7b_512_64\naxes: {axes}\n")
    folder = tmp_path / "swept"
    assert nearbank("sweep", spec, "-o", folder, "-j", 1, "--json").code == 0
    assert nearbank("report", folder, "--max-power-w", 60).code == 0
    page = folder / "report.html"
    assert (outline(page).open, outline(page).outside) == ([], [])
    data = json.loads(re.findall(r'class="data">(.*?)</script>', page.read_text())[0])
    assert data["rows"] == 4
    assert [column["name"] for column in data["columns"][:2]] == ["memory.channels", "workload.batch"]
    assert data["columns"][0]["values"] == [32, 32, 64, 64]
    assert nearbank("plot", folder, "sensitivity:sweep", "-o", tmp_path / "s.svg").code == 0
