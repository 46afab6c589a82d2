"""IANUS: products on near-bank units or the NPU by what takes less time, one memory that does one thing at a time."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from simulator import load_arch, load_workload, simulate
from simulator.hooks import Instrument

JOB = (
    "llama3_8b_512_64", "--set", "workload.model=llama32_3b", "--set", "workload.prompt_tokens=64",
    "--set", "workload.output_tokens=2",
)  # fmt: skip


def ran(nearbank: Callable[..., Any], batch: int, fc: str) -> Any:
    shown = nearbank("run", "ianus", *JOB, "--batch", batch, "--set", f"placement.options.fc={fc}", "--json")
    assert (shown.code, shown.err) == (0, "")
    return shown.json


@pytest.mark.parametrize(("batch", "better"), [(1, "pim"), (32, "xpu")])
def test_products_go_where_they_take_less_time(nearbank: Callable[..., Any], batch: int, better: str) -> None:
    auto, pim, xpu = (ran(nearbank, batch, fc) for fc in ("auto", "pim", "xpu"))
    rates = {"pim": pim["tokens_per_s"], "xpu": xpu["tokens_per_s"]}
    assert max(rates, key=rates.__getitem__) == better
    assert auto["tokens_per_s"] >= 0.99 * max(rates.values())
    assert auto["latency"]["ttft_s"] < 0.3 * pim["latency"]["ttft_s"], "the prompt is the NPU's"


class Busy(Instrument):
    """When the memory was busy."""

    def __init__(self) -> None:
        self.intervals: list[tuple[int, int]] = []

    def busy(self, component: str, start_ps: int, end_ps: int, what: str) -> None:
        del what
        if component == "memory":
            self.intervals.append((start_ps, end_ps))

    @property
    def overlaps(self) -> int:
        """How often work began before other work had ended."""
        return sum(later[0] < earlier[1] for earlier, later in pairwise(sorted(self.intervals)))


@pytest.mark.parametrize(
    ("arch", "batch", "beside"), [("ianus", 1, False), ("neupims_single", 8, False), ("neupims", 8, True)]
)
def test_reads_and_near_bank_work_overlap_only_with_two_row_buffers(arch: str, batch: int, beside: bool) -> None:
    overrides = ["model=llama32_3b", "prompt_tokens=16", "output_tokens=2", f"batch={batch}"]
    busy = Busy()
    platform = load_arch(arch, ["placement.options.sub_batches=2"])
    simulate(platform, load_workload("llama3_8b_512_64", overrides), hooks=[busy])
    assert (busy.overlaps > 0) == beside
