"""`nearbank sweep` and `nearbank pareto` as a user meets them."""

from __future__ import annotations

import json
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from simulator import load_arch, load_workload, simulate, sweep
from simulator.explore.columns import flatten

Nearbank = Callable[..., Any]

SMALL = """\
arch: aim_1card
workload: decode_512
axes:
  memory.channels: [8, 16, 32]
  workload.batch: [1, 8]
  workload.model: [llama2_7b, llama2_70b]
  tokens:
    set: {short: {workload.prompt_tokens: 4, workload.output_tokens: 2}}
sampler: grid
skip_if: "capacity.needed_bytes > capacity.available_bytes"
"""


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    path = tmp_path / "spec.yaml"
    path.write_text(SMALL)
    return path


def test_a_sweep_gives_the_figures_of_single_runs(nearbank: Nearbank, spec: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    shown = nearbank("sweep", spec, "-o", out, "-j", 2)
    assert (shown.code, shown.err.splitlines()[-1].split(",")[:2]) == (0, ["spec: 12 of 12 points", " 10 skipped"])
    assert "Pareto front of tokens_per_s (max) and tokens_per_j (max)" in shown.out
    rows = pq.read_table(out / "results.parquet").to_pylist()
    assert [row["status"] for row in rows].count("skipped") == 10
    for row in rows:
        if row["status"] == "done":
            arch = load_arch("aim_1card", [f"memory.channels={row['memory.channels']}"])
            tokens = ["prompt_tokens=4", "output_tokens=2", f"batch={row['workload.batch']}"]
            expected = flatten(simulate(arch, load_workload("decode_512", tokens)))
            assert {column: row[column] for column in expected} == expected
    assert nearbank("sweep", spec, "-o", out, "-j", 2).code == 2
    again = nearbank("sweep", spec, "-o", out, "--resume", "--json")
    assert (again.code, again.json["points"], again.json["missing"]) == (0, {"done": 2, "skipped": 10}, 0)
    check_front(nearbank, out)


def check_front(nearbank: Nearbank, out: Path) -> None:
    front = nearbank("pareto", out, "--x", "tokens_per_s", "--y", "min:power_w", "--z", "latency.ttft_s", "--json").json
    assert front["objectives"] == {"tokens_per_s": "max", "power_w": "min", "latency.ttft_s": "min"}
    speeds = [row["tokens_per_s"] for row in front["front"]]
    assert front["points"] == 2
    assert speeds == sorted(speeds, reverse=True)
    assert nearbank("pareto", out, "--where", "workload.batch == 1", "--json").json["points"] == 1
    wrong = nearbank("pareto", out, "--x", "tokens_per_ss")
    assert (wrong.code, wrong.err) == (2, "there is no column 'tokens_per_ss' in the table; nearest: 'tokens_per_s'\n")
    wrong = nearbank("pareto", out, "--where", "power > 3")
    assert (wrong.code, "there is no 'power'" in wrong.err) == (2, True)


def test_failed_points_make_the_exit_code_3_and_have_rows(nearbank: Nearbank, spec: Path, tmp_path: Path) -> None:
    small = SMALL.replace("[8, 16, 32]", "[32]").replace("[1, 8]", "[1]").replace(", llama2_70b", "")
    spec.write_text(small.replace("skip_if", "limits: {time_s: 0.001}\n#"))
    shown = nearbank("sweep", spec, "-o", tmp_path / "out", "-j", 1)
    assert shown.code == 3
    assert "failed: took more than 0.001 s (limits.time_s)" in shown.err


def test_a_folder_without_a_sweep_has_no_front(nearbank: Nearbank, tmp_path: Path) -> None:
    shown = nearbank("pareto", tmp_path)
    assert (shown.code, shown.err) == (2, f"{tmp_path} holds no sweep (it has no terms.json)\n")


@pytest.mark.parametrize(
    ("wrong", "right", "said"),
    [
        (
            "memory.channels: [8,",
            "memory.channels: [eight,",
            "4:21: components.memory.channels: 'eight' is not a whole",
        ),
        ("memory.channels:", "memory.chanels:", "4:20: components.memory.chanels: unknown key 'chanels'"),
        ("memory.channels:", "memroy.channels:", "4:21: memroy.channels: there is no 'memroy' in the document"),
        ("[8, 16, 32]", "[8, 16, 0]", "4:28: components.memory.channels: 0 is out of range (allowed: "),
        ("workload.batch", "workload.bach", "5:19: bach: unknown key 'bach'"),
        ("llama2_70b]", "llama2_7O]", "6:31: model: there is no model 'llama2_7O'"),
        ("sampler: grid", "sampler: gird", "9:1: sampler: 'gird' is not one of the values allowed"),
        ("sampler: grid", "sampler: random", "the key 'samples' is missing"),
        ("sampler: grid", "sampler: nsga2\nsamples: 10", "the key 'objectives' is missing"),
        ("sampler: grid", "objectives: [tokens_per_z]", "9:14: objectives[0]: there is no column 'tokens_per_z'"),
        ("sampler: grid", "constraints: ['power < 3']", "9:15: constraints[0]: there is no column 'power'"),
        ("sampler: grid", "zip: [[memory.channels, workload.batch]]", "5:3: axes.workload.batch: 2 values cannot be"),
        ("sampler: grid", "zip: [[memory.channels, nobody]]", "zip[0][1]: there is no axis 'nobody'"),
        ("sampler: grid", "samplr: grid", "9:1: samplr: unknown key 'samplr'"),
        ("capacity.needed_bytes >", "capacity.need_bytes >", "10:1: skip_if: there is no 'capacity.need_bytes'"),
        ("> capacity", "=> capacity", "is not a condition"),
        ("aim_1card", "aim_1crad", "1:1: arch: there is no platform 'aim_1crad'"),
        ("decode_512", "decode_215", "2:1: workload: there is no workload 'decode_215'"),
        ("arch: aim_1card", "kind: platform\narch: aim_1card", "1:1: kind: 'spec' is a platform, not a sweep"),
        ("[1, 8]", "[]", "5:3: axes.workload.batch: at least 1 must be given here, not 0"),
        (
            "[1, 8]",
            "{low: 1, high: 8, setp: 1}",
            "5:37: axes.workload.batch.setp: unknown key 'setp' (allowed: values, when, low, high, step",
        ),
        ("[1, 8]", "{low: 1}", "5:3: axes.workload.batch.high: the key 'high' is missing"),
        ("[1, 8]", "{low: 8, high: 1, step: 1}", "1 is not above low, 8"),
        ("[1, 8]", "{low: 1, high: 8, step: 0}", "0 is out of range (allowed: more than 0)"),
        ("[1, 8]", "{values: [1], when: 'tokens == 1'}", "there is no axis 'tokens' above this one"),
    ],
)
def test_a_wrong_sweep_is_one_line_with_its_place(
    nearbank: Nearbank, spec: Path, tmp_path: Path, wrong: str, right: str, said: str
) -> None:
    spec.write_text(SMALL.replace(wrong, right, 1))
    shown = nearbank("sweep", spec, "-o", tmp_path / "out")
    assert (shown.code, shown.out) == (2, "")
    first = shown.err.splitlines()[0]
    assert first.startswith(f"{spec}:")
    assert said in first
    assert "Traceback" not in shown.err
    assert not (tmp_path / "out").exists()


def test_a_sweep_from_python_is_a_data_frame(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    frame = sweep(
        {
            "arch": "aim_1card",
            "workload": "llama2_7b_512_64",
            "axes": {"memory.channels": [32, 64], "workload.prompt_tokens": [4], "workload.output_tokens": [2]},
        },
        tmp_path / "kept",
        jobs=1,
        progress=lambda done, total: seen.append((done, total)),
    )
    assert list(frame["memory.channels"]) == [32, 64]
    assert frame["tokens_per_s"].is_monotonic_increasing
    assert seen == [(1, 2), (2, 2)]
    assert json.loads((tmp_path / "kept" / "sweep.yaml").read_text())["arch"] == "aim_1card"


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_sweep_says_what_there_is_and_goes_on(
    nearbank: Nearbank, tmp_path: Path, how: signal.Signals
) -> None:
    spec = tmp_path / "many.yaml"
    spec.write_text(
        "arch: aim_1card\nworkload: llama2_7b_512_64\naxes:\n"
        "  workload.prompt_tokens: [4]\n  workload.output_tokens: [2]\n"
        "  memory.controller_static_w: {low: 1, high: 80, step: 1}\n"
    )
    out = tmp_path / "out"
    command = [sys.executable, "-m", "simulator.cli.main", "sweep", str(spec), "-o", str(out), "-j", "1"]
    # Background jobs of a shell ignore SIGINT, and would hand that on.
    heard = signal.signal(signal.SIGINT, signal.default_int_handler)
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    signal.signal(signal.SIGINT, heard)
    journal = out / "journal" / "local.jsonl"
    deadline_s = time.monotonic() + 120
    while not (journal.exists() and journal.stat().st_size > 0):
        assert time.monotonic() < deadline_s
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(how)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err.splitlines()[-1].startswith(f"interrupted; {out} holds the outcomes of ")
    assert "Traceback" not in err
    assert nearbank("pareto", out).err.startswith(f"{out}: ")
    assert nearbank("sweep", spec, "-o", out, "-j", 1, "--resume", "--json").json["points"] == {"done": 80}


def test_a_full_disk_costs_only_what_could_not_be_written(
    nearbank: Nearbank, spec: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The size of files is limited here; a file system without room answers in the same way."""
    out = tmp_path / "out"
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (25_000, hard))
    try:
        shown = nearbank("sweep", spec, "-o", out, "-j", 1)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert (shown.code, shown.out) == (3, "")
    assert f"{out}: File too large; what is recorded there is safe: make room, then --resume continues" in shown.err
    recorded = (out / "journal" / "local.jsonl").read_text()
    assert nearbank("sweep", spec, "-o", out, "-j", 1, "--resume").code == 0
    whole = (out / "journal" / "local.jsonl").read_text()
    assert whole.startswith(recorded)
    assert whole.count('"status"') == 12
