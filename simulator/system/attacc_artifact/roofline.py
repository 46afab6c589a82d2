"""Time and energy of layers on GPUs, and of messages between them, as AttAcc computes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from simulator.config.compat_schema import AttaccArtifact
from simulator.system.attacc_artifact.layers import Layer
from simulator.system.attacc_artifact.tiles import REGISTER_SIDE, best, occupied, traffic

GB = 1e9
NS, US, PJ = 1e-9, 1e-6, 1e-12


@dataclass(frozen=True)
class Cost:
    """Of one layer: time, energy in J of all devices by class of the result, and whether arithmetic held it."""

    time_s: float
    energy_j: Mapping[str, float]
    by_compute: bool = False


class Gpus:
    """``devices`` GPUs that run equal layers at the same time."""

    def __init__(self, artifact: AttaccArtifact, devices: int, element_bytes: int) -> None:
        self._artifact = artifact
        self._devices = devices
        self._element_bytes = element_bytes
        self._known: dict[Layer, Cost] = {}

    def cost(self, layer: Layer) -> Cost:
        """Of ``layer`` on each of them."""
        found = self._known.get(layer)
        if found is None:
            found = self._known[layer] = self._allreduce(layer) if layer.kind == "allreduce" else self._kernel(layer)
        return found

    def _kernel(self, layer: Layer) -> Cost:
        gpu, width = self._artifact.gpu, self._element_bytes
        tiling = best(gpu, layer, width)
        busy = occupied(gpu, layer, tiling.core)
        compute_s = layer.flops / (gpu.flops_per_s * gpu.compute_share * busy * (2 // width))
        if layer.kind in ("product", "attention"):
            sides = (tiling.cache, tiling.core, (REGISTER_SIDE, REGISTER_SIDE))
            dram, l2, l1 = (traffic(layer, tile) * width for tile in sides)
            registers = 3 * layer.m * layer.n * layer.k
        else:
            dram = l2 = l1 = registers = layer.elements * width
        memory_s = self._memory_s(layer, dram, busy)
        energy = self._artifact.energy
        sram_pj = l2 * energy.l2_pj_per_byte + l1 * energy.l1_pj_per_byte + registers * energy.register_pj
        prices = {
            "dram_io": dram * energy.memory_pj_per_byte,
            "sram": sram_pj,
            "compute": layer.flops / 2 * energy.mac_pj,
        }
        energy_j = {name: pj * self._devices * PJ for name, pj in prices.items()}
        return Cost(max(compute_s, memory_s), energy_j, by_compute=compute_s > memory_s)

    def _memory_s(self, layer: Layer, n_bytes: int, busy: float) -> float:
        """A line through measured kernels, or DRAM traffic at the share of its rate that busy cores ask for."""
        gpu, kernels = self._artifact.gpu, self._artifact.kernels
        slower = kernels.fitted_at_gb_s / gpu.memory_gb_s
        if layer.kind == "activation":
            return (kernels.activation_us_per_byte * slower * n_bytes + kernels.activation_us) * US
        if layer.kind == "norm":
            return (kernels.norm_us_per_byte * slower * n_bytes + kernels.norm_us) * US
        return n_bytes / (gpu.memory_gb_s * GB * gpu.memory_share * busy)

    def _allreduce(self, layer: Layer) -> Cost:
        """N - 1 messages one after the other."""
        gpu, kernels, others = self._artifact.gpu, self._artifact.kernels, self._devices - 1
        n_bytes = layer.m * layer.n * layer.count * self._element_bytes
        each = n_bytes / self._devices
        slower = kernels.fitted_at_link_gb_s / gpu.link_gb_s
        fitted_s = (kernels.message_ns + kernels.message_ns_per_byte * slower * each) * NS
        message_s = max(fitted_s, each / (gpu.link_gb_s * GB / 2))
        energy_j = self._devices * n_bytes * self._artifact.energy.link_pj_per_byte * PJ
        return Cost(message_s * others, {"link": energy_j})
