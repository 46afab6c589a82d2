"""Component models as SimPy parts: memory, near-bank, matrix and vector units, buffers, links, hosts.

Importing this package registers the kinds below; a plug-in registers its own the same way. May import mapping,
workload, dram, config, hooks, quantities and errors; never metrics, system, report, api or cli.
"""

from simulator.units import (
    buffer,
    channel_gemv,
    copy_engine,
    dpu,
    drive,
    gemv_unit,
    hbm_pim,
    host,
    link,
    matrix,
    memory,
    near_bank,
    rank_bus,
    sram,
    stacked_memory,
    thermal,
    vault_matrix,
    vault_mesh,
    vector,
    vertical_bus,
)
from simulator.units.mesh import core_mesh
from simulator.units.network import fabric
from simulator.units.processors import cpu, fpga, gpu

__all__ = [
    "buffer", "channel_gemv", "copy_engine", "core_mesh", "cpu", "dpu", "drive", "fabric", "fpga", "gemv_unit", "gpu",
    "hbm_pim", "host", "link", "matrix", "memory", "near_bank", "rank_bus", "sram", "stacked_memory", "thermal",
    "vault_matrix", "vault_mesh", "vector", "vertical_bus",
]  # fmt: skip
