"""A unit from outside: named by a YAML's `plugins`, used like the shipped ones."""

from pathlib import Path

import pytest

from simulator.api import load_arch, run_op
from simulator.errors import ConfigError

PLATFORM = """
extends: aim_1card
name: with_plugin
plugins: [slow_vector]
components:
  slow: {kind: slow_vector, op_ns: 123, source: assumed}
placement:
  options: {softmax: slow}
"""


def test_a_plug_in_unit_runs_the_ops_a_platform_gives_it(tmp_path: Path) -> None:
    file = tmp_path / "with_plugin.yaml"
    file.write_text(PLATFORM, encoding="utf-8")
    arch = load_arch(file)
    done = run_op(arch, "softmax", (4, 100))
    assert (done["unit"], done["time_ps"], done["bound_by"]) == ("slow", 123_000, "patience")
    assert run_op(arch, "rmsnorm", (4, 100))["unit"] == "vector"
    assert "components.slow: assumed" in arch.guesses()


def test_faults_in_a_plug_ins_entry_are_located(tmp_path: Path) -> None:
    file = tmp_path / "with_plugin.yaml"
    file.write_text(PLATFORM.replace("op_ns: 123", "op_ms: 123"), encoding="utf-8")
    with pytest.raises(ConfigError, match=r"with_plugin\.yaml:6:\d+: components\.slow\.op_ms"):
        load_arch(file)
