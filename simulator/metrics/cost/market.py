"""What can be bought: each machine of a cost YAML with the figures of the runs at hand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from simulator.config.cost_schema import Costs
from simulator.errors import ConfigError
from simulator.metrics.cost.tokens import Offer, offer_of
from simulator.metrics.result import Result


def offers(costs: Costs, results: Mapping[str, Result]) -> list[Offer]:
    """An offer for each machine with measured figures, and of the others for each run (name -> result) of its platform.

    Raises ConfigError where there is none.
    """
    check_priced(costs, [each.arch.name for each in results.values()])
    found = []
    for name, machine in costs.machines.items():
        if machine.measured is not None:
            found.append(offer_of(name, machine, None))
            continue
        platform = platform_of(costs, name)
        found += [offer_of(name, machine, each, run) for run, each in results.items() if each.arch.name == platform]
    return found


def check_priced(costs: Costs, platforms: Iterable[str]) -> None:
    """Raise ConfigError when no run of ``platforms`` has a price, and no machine measured figures."""
    wanted = [platform_of(costs, name) for name in costs.machines]
    measured = any(machine.measured is not None for machine in costs.machines.values())
    if not measured and not set(wanted) & set(platforms):
        raise ConfigError(
            f"no run of a machine of these costs, and none with measured figures (machines: {', '.join(wanted)})"
        )


def platform_of(costs: Costs, machine: str) -> str:
    """The platform whose runs are those of ``machine``."""
    return costs.machines[machine].arch or machine
