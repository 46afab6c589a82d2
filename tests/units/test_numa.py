"""Sockets of a CPU: what lies where decides the bandwidth."""

import pytest
from parts import components, platform, product, run_alone

from simulator.api import load_arch, run_op
from simulator.system.builder import build_system
from simulator.units.processors.numa import Numa

NAME = "xeon_8488c_2s"
SHAPE = (8192, 8192)


def time_ps(placement: str, *overrides: str) -> int:
    done = run_op(load_arch(NAME, [f"cpu.numa.placement={placement}", *overrides]), "gemm", SHAPE)
    return int(done["time_ps"])


def test_two_sockets_with_local_data_read_twice_as_fast_as_one() -> None:
    one = run_op(load_arch("xeon_8488c"), "gemm", SHAPE)["time_ps"]
    assert time_ps("local") == pytest.approx(one / 2, rel=0.05)


def test_all_data_on_one_socket_reads_no_faster_than_that_socket() -> None:
    one = run_op(load_arch("xeon_8488c"), "gemm", SHAPE)["time_ps"]
    assert time_ps("local") < time_ps("interleave") < time_ps("first_socket")
    assert time_ps("first_socket") == pytest.approx(one, rel=0.05)


def test_a_slow_link_holds_what_crosses_it() -> None:
    slow = "cpu.numa.link_gb_s=10"
    n_bytes = 2 * SHAPE[0] * SHAPE[1]
    assert time_ps("interleave", slow) == pytest.approx(1000 * n_bytes / 4 / 10, rel=0.01)
    assert time_ps("first_socket", slow) == pytest.approx(1000 * n_bytes / 2 / 10, rel=0.01)
    assert time_ps("local", slow) == time_ps("local")
    done = run_op(load_arch(NAME, ["cpu.numa.placement=first_socket", slow]), "gemm", SHAPE)
    assert done["bound_by"] == "memory of another socket"


def test_remote_latency_paces_few_lines_in_flight() -> None:
    few = {"cpu": {"line_misses": 1}}
    local, spread = (
        run_alone(
            build_system(platform(components(NAME, {"cpu": few["cpu"] | {"numa": _numa(where)}}), "one_processor")),
            product(*SHAPE),
        )
        for where in ("local", "interleave")
    )
    assert spread / local == pytest.approx((120 + 35) / 120, rel=0.01)


def _numa(placement: str) -> dict[str, object]:
    return {"sockets": 2, "link_gb_s": 192.0, "remote_latency_ns": 70.0, "placement": placement}


@pytest.mark.parametrize(("placement", "busiest"), [("local", 0), ("interleave", 3 / 16), ("first_socket", 3 / 4)])
def test_the_busiest_link_of_four_sockets(placement: str, busiest: float) -> None:
    numa = Numa(sockets=4, link_gb_s=1, remote_latency_ns=0, placement=placement)  # type: ignore[arg-type]
    assert numa.least_ps(1_000_000, 0) == round(1000 * 1_000_000 * busiest)
