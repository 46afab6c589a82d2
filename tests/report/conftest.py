"""A small hand-made result to render."""

from collections.abc import Callable
from typing import Any

import pytest

from simulator.metrics.result import Result


def make(name: str = "aim_1card", **changes: Any) -> Result:
    """A result in which every figure differs, so that a swapped one shows."""
    values: dict[str, Any] = {
        "arch": {"name": name, "content_hash": "a" * 64, "values": {}},
        "workload": {
            "name": "chat",
            "content_hash": "b" * 64,
            "values": {"batch": 4, "prompt_tokens": 512, "output_tokens": 11},
        },
        "tokens_per_s": 321.0,
        "tokens_per_j": 6.54,
        "power_w": 49.1,
        "edp_j_s": 0.0019,
        "latency": {"ttft_s": 0.777, "tpot_s": 0.0125, "e2e_s": 0.902},
        "time_ps": 902_000_000_000,
        "time_by_op_kind_s": {
            "prefill": {"qkv_proj": 0.777},
            "decode": {"qkv_proj": 0.1, "softmax": 0.02, "waiting": 0.005},
        },
        "cycles": {"memory": 1_804_000_000},
        "energy_j": {
            "total": 44.0,
            "by_component": {"memory": 33.0, "host": 11.0},
            "by_class": {"dram_array": 33.0, "host": 11.0},
        },
        "energy_by_op_kind_j": {"prefill": {"qkv_proj": 38.0}, "decode": {"qkv_proj": 5.0, "static": 1.0}},
        "data_movement_bytes": {"channel->pins": 4096},
        "commands": {"ACT": 7},
        "utilization": {"memory": 0.75},
        "bound_by": {"qkv_proj": "dram column rate", "softmax": "compute"},
        "capacity": {"needed_bytes": 13 * 2**30, "available_bytes": 16 * 2**30},
        "assumptions": ["one", "two"],
        "calibrations": [],
        "provenance": {
            "version": "0",
            "commit": None,
            "config_hashes": {},
            "seed": 0,
            "python": "CPython 3.11",
            "wall_s": 0.0,
            "events": 1,
            "commands_simulated": 7,
        },
    }
    return Result.model_validate(values | changes)


@pytest.fixture
def sample() -> Callable[..., Result]:
    """Makes the result; keyword arguments replace its fields."""
    return make
