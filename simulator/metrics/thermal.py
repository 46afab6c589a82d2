"""Temperatures of a stack from the energy of a run: the steady state, and what happens on the way as an observer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from simulator.hooks import Instrument
from simulator.metrics.energy import J_PER_PJ, PS_PER_S, EnergyTable
from simulator.metrics.thermal_network import Network, Vector
from simulator.units.thermal import SINK, HeatSpec, Thermal, ThermalSpec

CLOSE_K = 1e-9
"""Temperatures this near to those of the round before are taken to be found."""

MOST_ROUNDS = 1000
RUNAWAY_C = 1000.0
"""Beyond this the loop of leakage and temperature is taken to run away."""

MOST_DOUBLINGS = 64.0
"""Growth of leakage ends here, far beyond any part that works, so that a runaway stays a finite number."""

Powers = Mapping[tuple[str, str], float]
"""(component, energy class) -> W."""


@dataclass(frozen=True)
class SteadyState:
    """Temperature and heat of each node, the heat sink first, once both have settled.

    ``converged``: whether they do; if not, leakage and temperature drive each other up and the figures are the last.
    """

    temperature_c: Mapping[str, float]
    power_w: Mapping[str, float]
    converged: bool

    def hottest_c(self, nodes: tuple[str, ...] | None = None) -> float:
        """The highest temperature of ``nodes``, or of all dies."""
        chosen = nodes or tuple(node for node in self.temperature_c if node != SINK)
        return max(self.temperature_c[node] for node in chosen)


def by_class(power_w: Mapping[str, Mapping[str, float]]) -> dict[tuple[str, str], float]:
    """Power of each component by energy class, as one mapping."""
    return {(component, k): watts for component, classes in power_w.items() for k, watts in classes.items()}


class Stack:
    """The thermal network of one `Thermal` component, with its heat sources and leakage."""

    def __init__(self, thermal: Thermal) -> None:
        spec = thermal.spec
        dies = [die for die in spec.dies.values() for _ in range(die.count)]
        self.spec: ThermalSpec = spec
        self.nodes = thermal.nodes
        self.nodes_of = thermal.nodes_of
        self.network = Network(
            (spec.sink.resistance_k_per_w, *(die.resistance_k_per_w for die in dies)),
            (spec.sink.heat_capacity_j_per_k, *(die.heat_capacity_j_per_k for die in dies)),
            spec.board_resistance_k_per_w,
        )

    def _place(self, component: str, energy_class: str) -> tuple[HeatSpec | None, tuple[str, ...]]:
        """The entry for a part's power, and the nodes that it heats; none for what lies outside the stack."""
        for entry in self.spec.heat:
            if entry.component == component and (not entry.classes or energy_class in entry.classes):
                return entry, self.nodes_of[entry.dies]
        return None, ()

    def _grown(self, celsius: float) -> float:
        """Leakage over that at the reference temperature."""
        doublings = (celsius - self.spec.leakage.reference_c) / self.spec.leakage.doubling_c
        return float(2 ** min(doublings, MOST_DOUBLINGS))

    def static_w(
        self, temperature_c: Mapping[str, float], static_power_w: Mapping[str, Mapping[str, float]]
    ) -> dict[str, dict[str, float]]:
        """Static power at these temperatures, from what the parts say it is at the reference temperature."""
        return {
            component: {
                energy_class: watts * self._leakage_factor(temperature_c, component, energy_class)
                for energy_class, watts in classes.items()
            }
            for component, classes in static_power_w.items()
        }

    def _leakage_factor(self, temperature_c: Mapping[str, float], component: str, energy_class: str) -> float:
        entry, nodes = self._place(component, energy_class)
        if entry is None:
            return 1.0
        grown = sum(self._grown(temperature_c[node]) for node in nodes) / len(nodes)
        return 1 - entry.leakage_share + entry.leakage_share * grown

    def heat_w(self, temperature_c: Mapping[str, float], dynamic_w: Powers, static_w: Powers) -> Vector:
        """Heat of each node. ``static_w`` is what the parts say it is at the reference temperature."""
        heat = dict.fromkeys(self.nodes, 0.0)
        for (component, energy_class), watts in dynamic_w.items():
            _, nodes = self._place(component, energy_class)
            for node in nodes:
                heat[node] += watts / len(nodes)
        for (component, energy_class), watts in static_w.items():
            entry, nodes = self._place(component, energy_class)
            share = entry.leakage_share if entry else 0.0
            for node in nodes:
                heat[node] += watts / len(nodes) * (1 - share + share * self._grown(temperature_c[node]))
        return np.array([heat[node] for node in self.nodes])

    def settle(self, dynamic_w: Powers, static_power_w: Mapping[str, Mapping[str, float]]) -> SteadyState:
        """Temperatures and power in balance, by iterating from the ambient up: T -> leakage(T) -> T."""
        static_w = by_class(static_power_w)
        found = np.full(len(self.nodes), self.spec.ambient_c)
        converged = False
        for _ in range(MOST_ROUNDS):
            now = dict(zip(self.nodes, map(float, found), strict=True))
            heat = self.heat_w(now, dynamic_w, static_w)
            after = self.network.steady_c(heat, self.spec.ambient_c)
            if after.max() > RUNAWAY_C:
                break
            converged = bool(np.abs(after - found).max() < CLOSE_K)
            found = after
            if converged:
                break
        return SteadyState(
            dict(zip(self.nodes, map(float, found), strict=True)),
            dict(zip(self.nodes, map(float, heat), strict=True)),
            converged,
        )


class TemperatureTrace(Instrument):
    """The temperature of each node after every step of a run, from a stack that starts at ``start_c``.

    Power is taken to be constant within a step, the prompt or a token. ``tables`` and ``static_power_w`` are those of
    the components, as for `EnergyTally`. After the run ``times_s`` and ``temperatures_c`` (node -> one a step) hold it.
    """

    def __init__(
        self,
        stack: Stack,
        tables: Mapping[str, EnergyTable],
        static_power_w: Mapping[str, Mapping[str, float]],
        start_c: float | None = None,
    ) -> None:
        self._stack = stack
        self._tables = tables
        self._static_w = by_class(static_power_w)
        self._pj: dict[tuple[str, str], float] = defaultdict(float)
        self._now_ps = 0
        self._now_c = np.full(len(stack.nodes), stack.spec.ambient_c if start_c is None else start_c)
        self.times_s: list[float] = []
        self.temperatures_c: dict[str, list[float]] = {node: [] for node in stack.nodes}

    def activity(self, component: str, action: str, count: int, op_kind: str) -> None:
        """``component`` did ``action`` ``count`` times."""
        del op_kind
        for energy_class, pj in self._tables[component][action].items():
            self._pj[component, energy_class] += count * pj

    def token_done(self, time_ps: int, index: int) -> None:
        """The step ends; its heat has flowed since the step before."""
        del index
        seconds = (time_ps - self._now_ps) / PS_PER_S
        self._now_ps = time_ps
        if seconds > 0:
            dynamic_w = {key: pj * J_PER_PJ / seconds for key, pj in self._pj.items()}
            now = dict(zip(self._stack.nodes, map(float, self._now_c), strict=True))
            heat = self._stack.heat_w(now, dynamic_w, self._static_w)
            self._now_c = self._stack.network.after_c(self._now_c, heat, self._stack.spec.ambient_c, seconds)
            self._pj.clear()
        self.times_s.append(time_ps / PS_PER_S)
        for node, celsius in zip(self._stack.nodes, self._now_c, strict=True):
            self.temperatures_c[node].append(float(celsius))

    def to_csv(self) -> str:
        """One line a step: its end in seconds, then each node's temperature in C."""
        nodes = list(self.temperatures_c)
        lines = [",".join(["time_s", *(f"{node}_c" for node in nodes)])]
        for i, time_s in enumerate(self.times_s):
            lines.append(",".join([f"{time_s:.9g}", *(f"{self.temperatures_c[node][i]:.4f}" for node in nodes)]))
        return "\n".join(lines) + "\n"
