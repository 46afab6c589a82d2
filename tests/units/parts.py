"""Small platforms made from the shipped parts, for the tests beside this file."""

from collections import Counter
from collections.abc import Sequence
from functools import cache
from typing import Any

import simulator.units  # noqa: F401 - fills the registry of component kinds
from simulator.config.loader import load_document
from simulator.config.platform_schema import Platform
from simulator.hooks import Hooks, Instrument
from simulator.system.builder import System, build_system
from simulator.workload.ops import MatrixOp, Op


@cache
def _document(name: str) -> Any:
    return load_document(name).data


def frozen(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: frozen(item) for key, item in value.items()}
    return tuple(frozen(item) for item in value) if isinstance(value, list | tuple) else value


def components(platform: str, changes: dict[str, dict[str, Any]] | None = None) -> dict[str, Any]:
    parts = {name: dict(part) for name, part in _document(platform)["components"].items()}
    for name, change in (changes or {}).items():
        parts[name] = parts.get(name, {}) | change
    return parts


def platform(parts: dict[str, Any], policy: str = "matrix_memory") -> Platform:
    document = {
        "kind": "platform",
        "name": "test",
        "description": "made by a test",
        "family": "asic",
        "source": "assumed",
        "components": parts,
        "placement": {"policy": policy},
        "layout": "in_order",
    }
    return Platform.model_validate(frozen(document), strict=True)


def wired(
    name: str,
    changes: dict[str, dict[str, Any]] | None = None,
    *,
    exact: bool = False,
    instruments: Sequence[Instrument] = (),
) -> System:
    policy = _document(name)["placement"]["policy"]
    return build_system(platform(components(name, changes), policy), exact=exact, hooks=Hooks(instruments))


def run_alone(system: System, op: Op) -> int:
    unit = system.units[system.placement.component_for(op)]
    process = system.env.process(unit.execute(op))
    system.env.run(until=process)
    return system.env.now_ps


def product(outputs: int, inputs: int, tokens: int = 1) -> MatrixOp:
    return MatrixOp(
        name="product",
        kind="ffn_up",
        flops=2 * outputs * inputs * tokens,
        weight_bytes=2 * outputs * inputs,
        out_features=outputs,
        in_features=inputs,
        tokens=tokens,
        weight="w",
    )


class Moved(Instrument):
    """Bytes by hop."""

    def __init__(self) -> None:
        self.n_bytes: Counter[str] = Counter()

    def transfer(self, start_ps: int, end_ps: int, hop: str, n_bytes: int, component: str) -> None:
        self.n_bytes[hop] += n_bytes
