"""Runs of a tiny model on real platforms, to be drawn."""

from __future__ import annotations

from functools import cache

from simulator import load_arch, simulate
from simulator.config.cost_schema import Costs
from simulator.config.loader import build, load_document
from simulator.config.traffic_schema import Lengths, Serving, Traffic
from simulator.metrics.command_window import CommandWindow
from simulator.report.design_point import describe
from simulator.report.evidence import Run, SweepTable
from simulator.report.money import Money, Terms, price
from simulator.workload.model import Model
from simulator.workload.precision import Precision
from simulator.workload.scenario import Workload
from simulator.workload.traffic.stream import RequestStream

DESIGNS = ("xeon_8488c", "h100_sxm", "aim_1card", "ndp3d_hybrid_bonded")
MODEL = Model(
    name="tiny",
    n_layers=4,
    d_model=256,
    n_heads=4,
    n_kv_heads=2,
    head_dim=64,
    d_ff=700,
    vocab_size=1000,
    max_position=4096,
)


@cache
def run(name: str, batch: int = 1, output_tokens: int = 4) -> Run:
    """One of them, with its design point."""
    arch = load_arch(name)
    job = Workload(
        name="tiny", model=MODEL, batch=batch, prompt_tokens=20, output_tokens=output_tokens, precision=Precision()
    )
    window = CommandWindow()
    result, point = simulate(arch, job, hooks=[window]), describe(arch.spec)
    return Run(f"{name}_batch{batch}", name, result, point, f"nearbank run {name} tiny", window.told())


@cache
def stream(requests: int = 6) -> Run:
    """Requests that all arrive at once, for two of which there is room at a time."""
    spec = Traffic(
        requests=requests, arrivals="at_once", serving=Serving(token_budget=40, max_sequences=2),
        prompt_tokens=Lengths(distribution="fixed", tokens=20), output_tokens=Lengths(distribution="fixed", tokens=4),
    )  # fmt: skip
    job = Workload(name="tiny", model=MODEL, batch=1, prompt_tokens=20, output_tokens=4, traffic=RequestStream(spec))
    return Run("h100_sxm_requests", "h100_sxm", simulate(load_arch("h100_sxm"), job))


@cache
def runs() -> tuple[Run, ...]:
    """Every design at batch 1 and 8."""
    return tuple(run(name, batch) for batch in (1, 8) for name in DESIGNS)


@cache
def money() -> Money:
    """Their tokens' prices; one design has none, and one plan can be told."""
    costs = build(load_document("onprem_pilot", expected_kind="cost"), Costs)
    return price(Terms(costs, "h100_sxm", 1e8), runs())


def sweep(channels: int = 6, batches: int = 4) -> SweepTable:
    """A made-up sweep: speed grows with channels, power with both; one point failed."""
    rows = [
        {
            "point": f"{c}-{b}-{page}",
            "status": "done",
            "memory.channels": 8 * c,
            "workload.batch": 2**b,
            "memory.dram.controller.page_policy": page,
            "tokens_per_s": 40.0 * c * 2**b,
            "power_w": 5.0 * c + 2.0**b,
            "tokens_per_j": 40.0 * c * 2**b / (5.0 * c + 2.0**b),
            "latency.tpot_s": 1 / (40.0 * c) if c > 1 else None,
        }
        for c in range(1, channels + 1)
        for b in range(batches)
        for page in ("open", "closed")
    ]
    failed = {"point": "x", "status": "failed", "memory.channels": 4, "workload.batch": 1, "error": "too slow"}
    axes = ("memory.channels", "workload.batch", "memory.dram.controller.page_policy")
    objectives = {"tokens_per_s": "max", "power_w": "min"}
    return SweepTable("made_up", [*rows, failed], axes, objectives, [0], "nearbank sweep made_up.yaml -o DIR")
