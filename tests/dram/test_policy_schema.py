"""Policies that a standard cannot serve, and commands that do not go together, are refused with their place."""

from __future__ import annotations

from typing import Any

import pytest
from strategies import golden, same_bank_refresh, standard, with_controller

from simulator.config.dram_schema import Dram
from simulator.config.faults import faults
from simulator.dram.device import Device
from simulator.dram.program import ProgramBuilder
from simulator.dram.reference import ProgramEntry, run_reference
from simulator.dram.reference_device import ReferenceDevice
from simulator.dram.runs import Stream
from simulator.errors import ConfigError


def said(spec: Dram) -> list[str]:
    return [f"{'.'.join(map(str, fault.path))}: {fault.message}" for fault in faults(spec)]


def with_command(spec: Dram, name: str, **changes: Any) -> Dram:
    commands = {**spec.commands, name: spec.commands[name].model_copy(update=changes)}
    return spec.model_copy(update={"commands": commands})


DDR4 = standard("ddr4_3200_8gb_x8")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"page_policy": "timeout"}, "controller.page_timeout: 'page_policy: timeout' and page_timeout"),
        ({"page_timeout": 5}, "controller.page_timeout: 'page_policy: timeout' and page_timeout"),
        ({"refresh_postpone": 9}, "controller.refresh_postpone: 9 is out of range (allowed: 0..8, of DDR4)"),
        ({"refresh_pull_in": 9}, "controller.refresh_pull_in: 9 is out of range (allowed: 0..8, of DDR4)"),
        (
            {"refresh_postpone": 5, "refresh_pull_in": 4},
            "controller.refresh_pull_in: refresh_postpone and refresh_pull_in",
        ),
        ({"refresh": "none", "refresh_postpone": 1}, "controller.refresh_postpone: there is no refresh to move"),
        ({"refresh": "REFsb"}, "controller.refresh: 'REFsb' needs a command of that name with refreshes: true"),
        ({"forwarding": True}, "controller.forwarding: 'FRFCFS' forwards nothing (allowed: BANK_QUEUES, RANK_QUEUES)"),
        ({"scheduler": "BANK_QUEUES", "age_limit": 9}, "controller.age_limit: 'BANK_QUEUES' has no age_limit"),
        ({"scheduler": "IN_ORDER", "age_limit": 9}, "controller.age_limit: 'IN_ORDER' serves the oldest"),
        ({"channel_interleave_bytes": 100}, "controller.channel_interleave_bytes: 100 bytes are no whole bursts"),
    ],
)
def test_a_policy_that_cannot_be_served_is_refused(changes: dict[str, Any], message: str) -> None:
    assert said(DDR4) == []
    found = said(with_controller(DDR4, **changes))
    assert len(found) == 1
    assert found[0].startswith(message)


def test_a_bank_hash_needs_a_power_of_two() -> None:
    levels = {"rank": 1, "bankgroup": 3, "bank": 4}
    spec = DDR4.model_copy(update={"organization": DDR4.organization.model_copy(update={"levels": levels})})
    assert any(
        text.startswith("controller.bank_hash: 12 banks") for text in said(with_controller(spec, bank_hash="xor"))
    )


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        ("REFsb", {"across": ("rows",)}, "commands.REFsb.across: 'rows' is no level between channel and bank"),
        ("REFsb", {"across": ("bankgroup", "rank")}, "commands.REFsb.across: bankgroup, rank are no neighbours"),
        ("REFsb", {"scope": "bankgroup"}, "commands.REFsb.across: only a command to a bank"),
        ("ACT", {"completed_by": "ACT"}, "commands.ACT.complete_within: completed_by and complete_within"),
        ("RD", {"sync": "CAS"}, "commands.RD.sync: there is no command 'CAS'"),
    ],
)
def test_commands_that_do_not_go_together_are_refused(name: str, changes: dict[str, Any], message: str) -> None:
    assert said(same_bank_refresh()) == []
    assert any(text.startswith(message) for text in said(with_command(same_bank_refresh(), name, **changes)))


def test_command_queues_do_not_serve_commands_in_two_steps() -> None:
    found = said(with_controller(golden("LPDDR5"), scheduler="BANK_QUEUES"))
    assert "controller.scheduler: 'BANK_QUEUES' does not serve 'ACT1', a command in two steps" in found


def test_command_queues_refuse_near_bank_programs_in_one_line() -> None:
    spec = with_controller(standard("hbm2_pim"), scheduler="BANK_QUEUES")
    builder = ProgramBuilder(spec, 1)
    builder.add("MACab", 4)
    for run in (
        lambda: Device(spec).run_program(builder.build()),
        lambda: run_reference(spec, [], [ProgramEntry("MACab", 4)]),
    ):
        with pytest.raises(ConfigError, match="the scheduler BANK_QUEUES serves no near-bank programs"):
            run()


def test_whole_devices_of_the_reference_engine_refuse_command_queues_in_one_line() -> None:
    spec = with_controller(DDR4, scheduler="RANK_QUEUES")
    with pytest.raises(ConfigError, match="whole devices in the reference engine have no RANK_QUEUES"):
        ReferenceDevice(spec).run_streams([Stream("R", 0, 4, 1)])
