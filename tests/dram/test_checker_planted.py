"""One planted violation of each kind: the checker finds and names it, and finds nothing in the log before it."""

from __future__ import annotations

import pytest
from strategies import bank_count, standard, with_policy

from simulator.dram.checker import check_log
from simulator.dram.log import LoggedCommand

HBM2, HBM3, AIM, REF, PIM = "hbm2_2.0g", "hbm3_6.4g", "gddr6_aim", "gddr6_aim_ref", "hbm2_pim"


def entry(name: str, text: str) -> LoggedCommand:
    """``tick COMMAND bank [row]``: the command to the node of its scope that holds the bank."""
    spec = standard(name)
    tick, command, *rest = text.split()
    bank, row = (int(field) for field in [*rest, "0", "0"][:2])
    levels = spec.organization.levels
    address: list[int] = []
    below = bank_count(spec)
    for count in levels.values():
        below //= count
        address.append(bank // below % count)
    known = spec.commands.get(command)
    depth = len(levels) if known is None else [*levels].index(known.scope) + 1 if known.scope in levels else 0
    has_row = known is not None and (known.opens or known.row == "open")
    padded = (*address[:depth], *[-1] * (len(levels) - depth))
    return LoggedCommand(int(tick), command, padded, row if has_row else -1, -1)


PLANTED = [
    # one bank
    (HBM2, "1 ACT; 15 RD", "nRCDRD: RD 14 ticks after ACT, not 15 (same bank)"),
    (HBM2, "1 ACT; 13 WR", "nRCDWR: WR 12 ticks after ACT, not 13 (same bank)"),
    (HBM2, "1 ACT; 35 PREpb", "nRAS: PREpb 34 ticks after ACT, not 35 (same bank)"),
    (HBM2, "1 ACT; 100 PREpb; 112 ACT", "nRP: ACT 12 ticks after PREpb, not 13 (same bank)"),
    (HBM3, "1 ACT; 93 PREpb; 143 ACT", "nRC: ACT 142 ticks after ACT, not 144 (same bank)"),
    (HBM2, "1 ACT; 40 RD; 44 PREpb", "nRTPL: PREpb 4 ticks after RD, not 5 (same bank)"),
    (HBM2, "1 ACT; 40 WR; 62 PREpb", "nCWL + nBL + nWR: PREpb 22 ticks after WR, not 23 (same bank)"),
    (HBM2, "1 ACT; 60 RDA; 77 ACT", "nRTPL + nRP: ACT 17 ticks after RDA, not 18 (same bank)"),
    (HBM2, "1 ACT; 60 WRA; 95 ACT", "nCWL + nBL + nWR + nRP: ACT 35 ticks after WRA, not 36 (same bank)"),
    (HBM2, "1 REFpb; 159 ACT", "nRFCpb: ACT 158 ticks after REFpb, not 159 (same bank)"),
    (REF, "1 ACT; 56 MACpb", "nRCDRDMAC: MACpb 55 ticks after ACT, not 56 (same bank)"),
    (REF, "1 ACT; 66 RDCP", "nRCDRDCP: RDCP 65 ticks after ACT, not 66 (same bank)"),
    (REF, "1 ACT; 48 WRCP", "nRCDWRCP: WRCP 47 ticks after ACT, not 48 (same bank)"),
    # one bank group
    (HBM3, "1 ACT 0; 9 ACT 1", "nRRDL: ACT 8 ticks after ACT, not 10 (same bankgroup)"),
    (HBM2, "1 ACT 0; 60 ACT 1; 80 RD 0; 83 RD 1", "nCCDL: RD 3 ticks after RD, not 4 (same bankgroup)"),
    (HBM2, "1 ACT; 40 WR; 54 RD", "nCWL + nBL + nWTRL: RD 14 ticks after WR, not 15 (same bankgroup)"),
    (AIM, "1 ACT4; 89 ACT 1", "nRC: ACT 88 ticks after ACT4, not 89 (same bankgroup)"),
    # one pseudo-channel or channel
    (HBM2, "1 ACT 0; 4 ACT 4", "nRRDS: ACT 3 ticks after ACT, not 4 (same pseudochannel)"),
    (HBM2, "1 ACT 0; 9 ACT 4; 40 RD 0; 41 RD 4", "nCCDS: RD 1 ticks after RD, not 2 (same pseudochannel)"),
    (HBM2, "1 ACT 0; 9 ACT 4; 40 RD 0; 41 RD 4", "nBL: RD 1 ticks after RD, not 2 (same pseudochannel)"),
    (HBM2, "1 ACT; 40 RD; 52 WR", "nCL + nBL + 2 - nCWL: WR 12 ticks after RD, not 13 (same pseudochannel)"),
    (HBM2, "1 ACT 0; 9 ACT 4; 40 WR 0; 52 RD 4", "nCWL + nBL + nWTRS: RD 12 ticks after WR, not 13"),
    (HBM2, "1 ACT; 40 RD; 44 PREab", "nRTPL: PREab 4 ticks after RD, not 5 (same pseudochannel)"),
    (HBM2, "1 ACT; 40 PREab; 52 ACT", "nRP: ACT 12 ticks after PREab, not 13 (same pseudochannel)"),
    (HBM2, "1 ACT; 40 PREpb; 49 REFab", "nRC: REFab 48 ticks after ACT, not 49 (same pseudochannel)"),
    (HBM2, "1 ACT; 60 PREpb; 73 REFab", "nRP: REFab 13 ticks after PREpb, not 14 (same pseudochannel)"),
    (HBM2, "1 REFab; 349 ACT", "nRFC: ACT 348 ticks after REFab, not 349 (same pseudochannel)"),
    (HBM2, "1 REFpb 0; 7 ACT 4", "nRREFD: ACT 6 ticks after REFpb, not 7 (same pseudochannel)"),
    (HBM3, "1 ACT 0; 93 PREpb 0; 96 PREpb 1", "nPPD: PREpb 3 ticks after PREpb, not 4 (same pseudochannel)"),
    (HBM3, "1 ACT 0; 9 ACT 16; 93 RD 0; 97 RD 16", "nCCDR: RD 4 ticks after RD, not 6 (sibling sid)"),
    (REF, "1 ACTab; 56 MACab", "nRCDRDMAC: MACab 55 ticks after ACTab, not 56 (same channel)"),
    (REF, "1 ACTab; 25 EWMULab", "nRCDEWMUL: EWMULab 24 ticks after ACTab, not 25 (same channel)"),
    (REF, "1 ACTab; 86 AFab", "nRCDRDAF: AFab 85 ticks after ACTab, not 86 (same channel)"),
    (REF, "1 ACTab; 60 MACab; 71 PREab", "nRTP: PREab 11 ticks after MACab, not 12 (same channel)"),
    (REF, "1 ACTab; 100 WRAab; 172 ACTab", "nCWL + nBL + nWR + nRP: ACTab 72 ticks after WRAab, not 73"),
    (REF, "1 TMOD; 32 WRGB", "nMODCH: WRGB 31 ticks after TMOD, not 32 (same channel)"),
    (REF, "1 TMOD; 40 RDMACab; 44 WRGB", "nCLREG + nBL + 3 - nCWLGB + nWPRE: WRGB 4 ticks after RDMACab, not 5"),
    (REF, "1 TMOD; 40 WRMACab; 53 RDMACab", "nCWLREG + nBL + nWTRL: RDMACab 13 ticks after WRMACab, not 14"),
    (PIM, "1 WRGB; 15 WRMACab; 30 RDMACab; 41 WRGB", "nCL + nBL + 2 - nCWL: WRGB 11 ticks after RDMACab, not 13"),
    (
        PIM,
        "1 ACT4 0; 20 ACT4 4; 40 ACT4 8; 60 ACT4 12; 90 MACab; 93 MACab",
        "nCCDMAC: MACab 3 ticks after MACab, not 4",
    ),
    # activation windows
    (
        HBM3,
        "1 ACT 0; 9 ACT 4; 17 ACT 8; 25 ACT 12; 47 ACT 16",
        "nFAW: activation 5 by ACT at 47, 46 ticks after the first",
    ),
    (AIM, "1 ACT4 0; 42 ACT4 4", "nFAW: activation 5 by ACT4 at 42, 41 ticks after the first, not 42"),
    (AIM, "1 ACT 0; 42 ACT4 4", "nFAW: activation 5 by ACT4 at 42, 41 ticks after the first, not 42"),
    # buses and phases
    (HBM2, "1 ACT 0; 2 PREpb 16", "bus: PREpb while the row bus carries ACT"),
    (HBM2, "1 ACT 0; 9 ACT 16; 40 RD 0; 40 RD 16", "bus: RD while the column bus carries RD"),
    (REF, "1 TMOD; 1 TMOD", "bus: TMOD while the command bus carries TMOD"),
    (HBM3, "2 ACT", "align: ACT at a tick t with (t - 1) % 2 != 0"),
    # rows
    (HBM2, "1 RD 0 7", "row: RD to closed bank (0, 0, 0)"),
    (HBM2, "1 ACT 0 7; 40 RD 0 8", "row: RD for row 8 while bank (0, 0, 0) has row 7 open"),
    (HBM2, "1 ACT 0 7; 60 ACT 0 7", "row: ACT while bank (0, 0, 0) is open"),
    (HBM2, "1 ACT 16; 60 REFab 16", "row: REFab while bank (1, 0, 0) is open"),
    (HBM2, "1 ACT; 60 RDA; 90 RD", "row: RD to closed bank (0, 0, 0)"),
    (AIM, "1 ACT4 0; 50 ACT4 4; 100 ACT4 8; 200 MACab", "row: MACab to closed bank (3, 0)"),
    (AIM, "1 ACT 1 5; 150 ACT4 0 6", "row: ACT4 for row 6 while bank (0, 1) has row 5 open"),
    (REF, "1 ACT 0 -1", "row: ACT opens no row"),
    # modes
    (REF, "1 WRGB", "mode: WRGB in memory mode"),
    (REF, "1 ACTab; 60 TMOD; 100 MACab", "mode: MACab in register mode"),
    # the log itself
    (HBM2, "1 ACT; 40 JUMP", "unknown command JUMP"),
    (HBM2, "40 ACT 0; 39 ACT 16", "order: tick 39 after tick 40"),
    (HBM2, "0 ACT", "order: tick 0 after tick 1"),
]


@pytest.mark.parametrize(("name", "text", "rule"), PLANTED)
def test_a_planted_violation_is_found_and_named(name: str, text: str, rule: str) -> None:
    log = [entry(name, part.strip()) for part in text.split(";")]
    spec = standard(name)
    assert check_log(spec, log[:-1], refresh="none") == []
    found = check_log(spec, log, refresh="none")
    assert any(violation.rule.startswith(rule) for violation in found), [str(violation) for violation in found]
    assert {violation.command for violation in found} == {log[-1]}


def test_there_is_a_planted_violation_for_every_kind_of_rule() -> None:
    kinds = {rule.split(":")[0].split(" JUMP")[0] for _, _, rule in PLANTED}
    assert len(kinds) >= 30


@pytest.mark.parametrize("address", [(0, 0), (0, 4, 0), (0, -1, 0), (2, 0, 0), (0, 0, 0, 0)])
def test_a_command_to_no_bank_is_reported_once(address: tuple[int, ...]) -> None:
    found = check_log(standard(HBM2), [LoggedCommand(1, "ACT", address, 0, -1)])
    assert [violation.rule for violation in found] == [f"address: ACT to {address} is no bank"]


def test_an_all_bank_command_that_names_a_bank_is_reported() -> None:
    found = check_log(standard(HBM2), [LoggedCommand(1, "PREab", (0, 1, -1), -1, -1)])
    assert [violation.rule for violation in found] == ["address: PREab to (0, 1, -1) is no pseudochannel"]


def refreshes(*multiples: float) -> list[LoggedCommand]:
    """Refreshes of the one channel of hbm2_pim at multiples of the refresh interval."""
    return [LoggedCommand(int(3900 * m), "REFab", (-1, -1), -1, -1) for m in multiples]


def test_nine_refresh_intervals_between_refreshes_are_the_limit() -> None:
    spec = standard(PIM)
    assert check_log(spec, refreshes(1, 2, 11)) == []
    found = check_log(spec, refreshes(1, 2, 11.1))
    assert [violation.rule.split(",")[0] for violation in found] == ["refresh: 35490 ticks without REFab"]


def test_a_log_that_ends_long_after_its_last_refresh_is_reported() -> None:
    late = LoggedCommand(3900 * 12, "PREab", (-1, -1), -1, -1)
    found = check_log(standard(PIM), [*refreshes(1, 2), late])
    assert [violation.rule.split(":")[0] for violation in found] == ["refresh"] * 2


def test_refreshes_that_are_too_few_or_too_many_are_counted() -> None:
    spec = standard(PIM)
    few = check_log(spec, refreshes(*range(8, 90, 8)))
    assert few[-1].rule == "refresh: 11 REFab on the channel, 88 due"
    many = check_log(spec, refreshes(*(i / 2 for i in range(1, 21))))
    assert many[-1].rule == "refresh: 20 REFab on the channel, 10 due"


def test_each_node_is_refreshed_on_its_own() -> None:
    log = [LoggedCommand(3900 * m, "REFab", (0, -1, -1), -1, -1) for m in range(1, 11)]
    found = check_log(standard(HBM2), log)
    assert [violation.rule.split(",")[0] for violation in found] == [
        "refresh: 39000 ticks without REFab",
        "refresh: 0 REFab on (1",
    ]


def test_a_standard_without_refresh_needs_none() -> None:
    spec = with_policy(standard(PIM), refresh="none")
    assert check_log(spec, [LoggedCommand(10**6, "PREab", (-1, -1), -1, -1)]) == []
