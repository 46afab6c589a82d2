"""The checker passes the command logs of other simulators by their own tables, and finds where the tables differ."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from strategies import DATA, GOLDEN, golden, with_controller

from simulator.cli.suites.dram_golden import read_golden
from simulator.cli.suites.dram_logs import judge_log
from simulator.dram.checker import check_log
from simulator.dram.log import read_log

LOGS = sorted([*(DATA / "ramulator2").glob("*.csv"), *(DATA / "dramsim3").glob("*.csv")])


def parts(path: Path) -> tuple[str, str, str]:
    """Simulator, configuration and refresh mode of a log."""
    simulator, _, rest = path.stem.partition("_")
    configs = [c for c in read_golden(GOLDEN) if c.simulator.startswith(simulator) and rest.startswith(f"{c.name}_")]
    found = max(configs, key=lambda config: len(config.name))
    return found.simulator, found.name, "refresh_on" if rest.endswith("refresh_on") else "refresh_off"


@pytest.mark.parametrize("path", LOGS, ids=lambda path: path.stem)
def test_a_log_is_legal_by_its_own_table(path: Path) -> None:
    simulator, name, refresh = parts(path)
    config = next(c for c in read_golden(GOLDEN) if (c.simulator, c.name) == (simulator, name))
    case = judge_log(config, path, refresh)
    assert (case.got, case.differences) == (0, ())
    assert case.passed


@pytest.mark.parametrize("path", [path for path in LOGS if path.stem.endswith("off")], ids=lambda path: path.stem)
def test_a_log_is_illegal_when_its_activations_need_a_clock_more(path: Path) -> None:
    simulator, name, _ = parts(path)
    spec = with_controller(golden(name, simulator), refresh="none")
    timings = {key: value + (key in ("nRCD", "nRCDRD", "nRCDWR")) for key, value in spec.timings.items()}
    found = check_log(spec.model_copy(update={"timings": timings}), read_log(path).commands)
    assert found
    assert {violation.rule.partition(":")[0] for violation in found} <= {"nRCD", "nRCDRD", "nRCDWR"}


def test_what_the_peers_disagree_on_in_hbm2_is_the_second_cycle_of_act() -> None:
    """JESD235: ACTIVATE takes two cycles on the row bus, and tRCD and tRAS count from the second."""
    log = read_log(DATA / "dramsim3" / "dramsim3_HBM2_m_d_random_rw_refresh_off.csv").commands
    found = check_log(golden("HBM2_1pc"), log, refresh="none")
    rules = Counter(violation.rule.partition(":")[0] for violation in found)
    assert set(rules) == {"nRCDRD", "nRCDWR", "nRAS", "bus"}
    assert all(violation.earlier and violation.earlier.command == "ACT" for violation in found)


def test_what_the_peers_issue_on_ddr4_is_legal_by_each_others_table() -> None:
    there = read_log(DATA / "dramsim3" / "dramsim3_DDR4_m_e_bg_interleave_refresh_off.csv").commands
    here = read_log(DATA / "ramulator2" / "ramulator2_DDR4_d_random_rw_refresh_off.csv").commands
    assert check_log(golden("DDR4"), there, refresh="none") == []
    assert check_log(golden("DDR4_m", "dramsim3"), here, refresh="none") == []
