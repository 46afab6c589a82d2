"""The bulk checker finds faults in exactly the logs in which the checker finds them."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from engines import host_program, request_list
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import golden, programs, request_lists, same_bank_refresh, standard, with_controller

from simulator.dram.checker import check_log
from simulator.dram.checker_bulk import count_violations
from simulator.dram.device import Device
from simulator.dram.replay import logged
from simulator.dram.runs import Issued

SPECS = {
    "aim": standard("gddr6_aim"),
    "ddr4": standard("ddr4_3200_8gb_x8"),
    "ddr5, same-bank refresh": with_controller(same_bank_refresh(), refresh="REFsb"),
    "hbm2, one bank": with_controller(golden("HBM2"), refresh="REFpb"),
    "hbm3": standard("hbm3_6.4g"),
    "lpddr5": golden("LPDDR5"),
}
DEVICES = {name: Device(spec) for name, spec in SPECS.items()}


@st.composite
def faulty_logs(draw: st.DrawFn, log: Issued) -> Issued:
    """The log with a few commands earlier, other commands, other rows, or without some."""
    columns = {f.name: getattr(log, f.name).copy() for f in dataclasses.fields(log)}
    size = len(log.tick)
    for _ in range(draw(st.integers(0, 3)) if size else 0):
        place = draw(st.integers(0, size - 1))
        kind = draw(st.sampled_from(("earlier", "swap", "row", "node")))
        if kind == "earlier":
            columns["tick"][place] -= draw(st.integers(1, 40))
        elif kind == "swap":
            other = draw(st.integers(0, size - 1))
            for name in ("command", "node", "row", "column"):
                columns[name][[place, other]] = columns[name][[other, place]]
        elif kind == "row":
            columns["row"][place] += columns["row"][place] >= 0
        else:
            same = np.flatnonzero(columns["command"] == columns["command"][place])
            columns["node"][place] = columns["node"][draw(st.sampled_from(same.tolist()))]
    columns["tick"] = np.maximum(columns["tick"], 1)
    order = np.argsort(columns["tick"], kind="stable")
    keep = np.delete(order, draw(st.integers(0, size - 1))) if size and draw(st.booleans()) else order
    return Issued(**{name: values[keep] for name, values in columns.items()})


@pytest.mark.parametrize("name", sorted(SPECS))
@settings(max_examples=60)
@given(data=st.data())
def test_both_checkers_agree_on_legal_and_faulty_logs(name: str, data: st.DataObject) -> None:
    spec = SPECS[name]
    program = host_program(spec, data.draw(programs(spec, 4)))
    run = DEVICES[name].run_requests(request_list(data.draw(request_lists(spec, 40))), program, log=True)
    assert run.issued is not None
    assert count_violations(spec, run.issued) == {}
    log = data.draw(faulty_logs(run.issued))
    expected = check_log(spec, logged(spec, log, 0))
    assert bool(count_violations(spec, log)) == bool(expected), expected
