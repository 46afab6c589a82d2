"""Die area: counts from the design point, per component, in all devices, and errors where a count makes no sense."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.api import load_arch
from simulator.config.paths import list_names
from simulator.errors import ConfigError
from simulator.metrics.area import DieArea, die_area


def of(name: str, *overrides: str) -> DieArea:
    return die_area(load_arch(name, list(overrides)).spec)


def test_silicon_follows_the_design_point() -> None:
    base, wide = of("ndp3d_tsv", "tsv.width_bits=64"), of("ndp3d_tsv", "tsv.width_bits=256")
    # 192 more wires for each of 16 buses, through 8 DRAM dies and onto the logic die, a bump of (55 um)^2 each.
    assert base.by_component_mm2["tsv"] == 0
    assert wide.by_component_mm2["tsv"] == pytest.approx(192 * 16 * 9 * 0.055**2)
    assert base.by_component_mm2["memory"] == 8 * 121
    assert of("hbm3_npu", "matrix.rows=256").by_component_mm2["matrix"] == pytest.approx(4 * 256 * 128 * 0.00067)


@given(channels=st.integers(1, 64), lanes=st.sampled_from([1, 2, 4, 8]))
def test_near_bank_lanes_are_as_many_as_banks_and_rate_ask_for(channels: int, lanes: int) -> None:
    found = of("hbm2_pim_bank", f"memory.channels={channels}", f"memory.dram.timings.nCCDMAC={lanes}")
    assert found.by_component_mm2["near_bank"] == pytest.approx(channels * 16 * (16 / lanes) * 0.712 / 16)


def test_every_device_counts_and_what_they_share_counts_once() -> None:
    part = "{dies: {mm2_each: 2.5, count: 4, source: test}}"
    one = of("cent_8dev", f"memory.area={part}", f"host.area={part}")
    assert one.by_component_mm2 == {"memory": 8 * 10, "host": 10}
    assert one.total_mm2 == 90


def test_what_is_not_described_is_said() -> None:
    found = of("hbm3_npu")
    assert set(found.silent) == {"host", "fabric", "pcie"}
    assert found.assumptions() == ("area_mm2: of memory, matrix, vector, vmem; not described: host, fabric, pcie",)
    nothing = DieArea({}, ("all",))
    assert nothing.total_mm2 is None
    assert nothing.assumptions() == ()


@pytest.mark.parametrize(
    ("count", "message"),
    [
        ("arrays * colls", "there is no 'colls'; nearest: 'cols'"),
        ("memory.chanels", "'memory.chanels' has no 'chanels'"),
        ("1 / 0", "divides by zero"),
        ("rows - 1000", "is -872, less than nothing"),
        ("memory.kind", "'memory.kind' is no number"),
        ("open('x')", "is not allowed"),
    ],
)
def test_a_count_that_cannot_be_computed_is_located(tmp_path: Path, count: str, message: str) -> None:
    path = tmp_path / "own.yaml"
    text = "extends: hbm3_npu\ncomponents:\n  matrix:\n    area:\n      cells:\n        count: "
    path.write_text(f'{text}"{count}"\n')
    with pytest.raises(ConfigError) as caught:
        load_arch(path)
    assert message in str(caught.value)
    assert str(caught.value).split(": ")[0].endswith("own.yaml:6:9")


def test_every_shipped_area_can_be_computed() -> None:
    described = [ref for ref in list_names("archs") if of(ref).total_mm2 is not None]
    assert {"ndp3d_tsv", "hbm3_npu", "hbm2_pim_bank"} <= set(described)
