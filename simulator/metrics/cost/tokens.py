"""What tokens cost on one machine: hardware over its years, and power."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from simulator.config.cost_schema import Costs, Machine
from simulator.errors import ConfigError
from simulator.metrics.cost.hardware import machine_usd
from simulator.metrics.result import Result

HOURS_PER_YEAR = 8760
HOURS_PER_MONTH = HOURS_PER_YEAR / 12
SECONDS_PER_DAY = 86_400


@dataclass(frozen=True)
class Offer:
    """A machine as it can be bought: dollars of its parts, its rate, its power in use and idle (all without PUE).

    ``run``: whose figures these are; None for measured ones. ``name``: what tells it from other offers.
    """

    name: str
    machine: str
    parts_usd: Mapping[str, float]
    tokens_per_s: float
    busy_w: float
    idle_w: float
    run: str | None = None

    @property
    def usd(self) -> float:
        """What it costs to buy."""
        return sum(self.parts_usd.values())

    @property
    def tokens_per_day(self) -> float:
        """What it generates without a pause."""
        return self.tokens_per_s * SECONDS_PER_DAY


@dataclass(frozen=True)
class TokenCost:
    """Dollars of an hour of a machine and of a million tokens, at the utilisation of the terms."""

    offer: Offer
    hardware_usd_per_hour: float
    power_usd_per_hour: float
    usd_per_million_tokens: float

    @property
    def usd_per_hour(self) -> float:
        """Hardware and power."""
        return self.hardware_usd_per_hour + self.power_usd_per_hour


def offer_of(name: str, machine: Machine, result: Result | None, run: str | None = None) -> Offer:
    """``machine`` with the figures of a run of its platform, called ``run``, or with its measured ones."""
    if machine.measured is not None:
        rate, power_w = machine.measured.tokens_per_s, machine.measured.power_w
        area: Mapping[str, float] = {}
    elif result is None:
        raise ConfigError(f"machine '{name}' has neither a run of '{machine.arch or name}' nor measured figures")
    else:
        rate, power_w = rates(result)
        area = result.area_by_component_mm2
    needed = machines_of(machine, result)
    busy_w = power_w + machine.more_w * needed
    one_usd = machine_usd(machine, {part: mm2 / needed for part, mm2 in area.items()})
    parts_usd = {part: usd * needed for part, usd in one_usd.items()}
    return Offer(_label(name, machine, run), name, parts_usd, rate, busy_w, busy_w * machine.idle_share, run)


def machines_of(machine: Machine, result: Result | None) -> int:
    """Machines that the devices of a run make: 1 where the price says nothing of devices."""
    devices = result.arch.values.get("devices", {}).get("count") if result else None
    return -(-devices // machine.devices) if machine.devices and isinstance(devices, int) else 1


def _label(name: str, machine: Machine, run: str | None) -> str:
    """A run's name stands for the machine where both are called as the platform."""
    if run is None:
        return name
    return run if machine.arch in (None, name) else f"{name}: {run}"


def rates(result: Result) -> tuple[float, float]:
    """(tokens a second, W) of a run, of its decode stage. Raises ConfigError for one that has none."""
    if result.tokens_per_s is None or result.power_w is None:
        raise ConfigError(f"the run of '{result.arch.name}' has no decode step, so no rate")
    return result.tokens_per_s, result.power_w


def power_usd_per_hour(costs: Costs, offer: Offer, utilization: float) -> float:
    """Dollars of an hour's power of one machine that generates tokens for a share of the time."""
    mean_w = utilization * offer.busy_w + (1 - utilization) * offer.idle_w
    return mean_w / 1000 * costs.pue * costs.electricity_usd_per_kwh


def token_cost(costs: Costs, offer: Offer) -> TokenCost:
    """What the tokens of ``offer`` cost under the terms of ``costs``."""
    hardware = offer.usd / (costs.years * HOURS_PER_YEAR)
    power = power_usd_per_hour(costs, offer, costs.utilization)
    tokens_per_hour = offer.tokens_per_s * 3600 * costs.utilization
    return TokenCost(offer, hardware, power, (hardware + power) / tokens_per_hour * 1e6)
