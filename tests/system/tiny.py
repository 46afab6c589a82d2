"""A model small enough to run in milliseconds, and instruments that write down what they hear."""

from functools import cache
from typing import Any

from simulator.api import Arch, load_arch
from simulator.hooks import Hooks, Instrument
from simulator.system.builder import System, build_system
from simulator.workload.model import Model
from simulator.workload.precision import Precision
from simulator.workload.scenario import Workload

PLATFORMS = ("aim_1card", "hbm2_pim_bank", "hbm3_npu", "hbm_pim_card")
NPU_AND_PIM = ("neupims", "neupims_single", "ianus")
EVERY_FAMILY = (*PLATFORMS, "ndp3d_tsv", "ndp3d_hybrid_bonded", "upmem_server", *NPU_AND_PIM)

MODEL = Model(
    name="tiny",
    n_layers=2,
    d_model=256,
    n_heads=4,
    n_kv_heads=2,
    head_dim=64,
    d_ff=700,
    vocab_size=1000,
    max_position=4096,
)


@cache
def arch(name: str) -> Arch:
    return load_arch(name)


def workload(**changes: Any) -> Workload:
    values: dict[str, Any] = {"name": "tiny", "model": MODEL, "batch": 1, "prompt_tokens": 20, "output_tokens": 5}
    return Workload(**(values | {"precision": Precision()} | changes))


def system(name: str, *instruments: Instrument, exact: bool = False) -> System:
    return build_system(arch(name).spec, exact=exact, hooks=Hooks(instruments))


class Log(Instrument):
    """Everything that is reported, in order."""

    def __init__(self) -> None:
        self.lines: list[tuple[Any, ...]] = []

    def op_started(self, time_ps: int, op_name: str, op_kind: str, unit: str) -> None:
        self.lines.append(("start", time_ps, op_name, op_kind, unit))

    def op_finished(self, time_ps: int, op_name: str, op_kind: str, unit: str) -> None:
        self.lines.append(("finish", time_ps, op_name, op_kind, unit))

    def transfer(self, start_ps: int, end_ps: int, hop: str, n_bytes: int, component: str) -> None:
        self.lines.append(("transfer", start_ps, end_ps, hop, n_bytes, component))

    def activity(self, component: str, action: str, count: int, op_kind: str) -> None:
        self.lines.append(("activity", component, action, count, op_kind))

    def busy(self, component: str, start_ps: int, end_ps: int, what: str) -> None:
        self.lines.append(("busy", component, start_ps, end_ps, what))
