"""AiM traces: what each line asks of the channels, and one located line for each fault."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from simulator.config.dram_schema import Dram
from simulator.config.loader import build, load_document
from simulator.dram.program import END, HOST_CYCLES, SYNC, HostProgram
from simulator.errors import TraceError
from simulator.units.aim_isa import AF_FIRST_ROW, read_aim, replay_aim

SPEC = build(load_document("gddr6_aim_ref", expected_kind="dram"), Dram)
DEFAULT = build(load_document("gddr6_aim", expected_kind="dram"), Dram)
CODE = list(SPEC.commands)


def read(tmp_path: Path, text: str, spec: Dram = SPEC) -> HostProgram:
    path = tmp_path / "t.aim"
    path.write_text(text)
    return read_aim(spec, path)


def requests(program: HostProgram) -> list[tuple[str | int, ...]]:
    """(command, count, bank, row, channels) of each request."""
    rows = []
    for command, count, bank, row, mask, _, _ in program.requests.tolist():
        rows.append((CODE[command] if command >= 0 else command, count, bank, row, int(program.masks[mask].sum())))
    return rows


def test_every_instruction_leads_to_its_command(tmp_path: Path) -> None:
    text = """# all of them
W MEM 3 2 8
R MEM 0x1F 1 9
W GPR 0
R GPR 1
W CFR 0 1
AiM WR_SBK 0 0x1 3 4
AiM RD_SBK 0 0x3 5 6
AiM WR_ABK 0 0x1 7
AiM WR_GB 64 0 0xffffffff
AiM ISR_WR_BIAS 0 0xf
AiM RD_MAC 0 0xf
AiM COPY_BKGB 2 0x1 1 2
AiM COPY_GBBK 3 0x1 1 2
AiM MAC_SBK 4 0x1 1 2
AiM MAC_ABK 5 0xffffffff 11
AiM EWMUL 6 0x1 2
AiM EWADD 256 1 2
AiM SYNC
AiM RD_AF 0 0x1
AiM EOC
"""
    assert requests(read(tmp_path, text)) == [
        ("WR", 1, 2, 8, 1),
        ("RD", 1, 1, 9, 1),
        (HOST_CYCLES, 1, 0, 0, 32),
        (HOST_CYCLES, 1, 0, 0, 32),
        (HOST_CYCLES, 1, 0, 0, 32),
        ("WR", 1, 3, 4, 1),
        ("RD", 1, 5, 6, 2),
        ("WRAab", 1, 0, 7, 1),
        ("WRGB", 64, 0, 0, 32),
        ("WRMACab", 1, 0, 0, 4),
        ("RDMACab", 1, 0, 0, 4),
        ("RDCP", 2, 1, 2, 1),
        ("WRCP", 3, 1, 2, 1),
        ("MACpb", 4, 1, 2, 1),
        ("MACab", 5, 0, 11, 32),
        ("EWMULab", 6, 0, 2, 1),
        (HOST_CYCLES, 1, 0, 0, 32),
        (SYNC, 1, 0, 0, 32),
        ("RDAFab", 1, 0, 0, 1),
        (END, 1, 0, 0, 32),
    ]


def test_the_top_bit_of_a_mask_is_channel_0(tmp_path: Path) -> None:
    program = read(tmp_path, "AiM WR_GB 1 0 0x80000000\nAiM EOC\n")
    assert program.masks[program.requests[0, 4]].nonzero()[0].tolist() == [0]


def test_the_activation_function_selects_the_row_of_af(tmp_path: Path) -> None:
    text = "AiM AF 0x1\nW CFR 2 5\nAiM AF 0x1\nW CFR 0 9\nAiM AF 0x1\nAiM EOC\n"
    rows = [row for command, _, _, row, _ in requests(read(tmp_path, text)) if command == "AFab"]
    assert rows == [AF_FIRST_ROW, AF_FIRST_ROW + 5, AF_FIRST_ROW + 5]


def test_only_read_outs_and_barriers_block(tmp_path: Path) -> None:
    text = "AiM RD_MAC 0 0x1\nAiM RD_SBK 0 0x1 0 0\nR MEM 0 0 0\nAiM SYNC\nAiM EOC\n"
    assert read(tmp_path, text).requests[:, 5].tolist() == [1, 0, 0, 1, 1]


FAULTS = [
    ("", "1:1", "must end with 'AiM EOC'"),
    ("AiM SYNC\n", "2:1", "must end with 'AiM EOC'"),
    ("AiM EOC\nAiM SYNC\n", "2:1", "after the EOC of line 1"),
    ("AiM\n", "1:1", "without an instruction"),
    ("AiM MAC_ABX 1 0x1 0\n", "1:5", "did you mean 'MAC_ABK'"),
    ("AiM WR_AFLUT 1\n", "1:5", "'WR_AFLUT' is not an AiM instruction"),
    ("  X MEM 0 0 0\n", "1:3", "'X MEM' is not a host request"),
    ("R CFR 0\n", "1:1", "'R CFR' is not a host request"),
    ("AiM MAC_ABK 1 0x1\n", "1:15", "MAC_ABK takes opsize mask row, found 2 fields"),
    ("AiM SYNC 1\n", "1:10", "SYNC takes no fields, found 1"),
    ("AiM MAC_ABK many 0x1 0\n", "1:13", "opsize: 'many' is not a whole number"),
    ("AiM MAC_ABK 0 0x1 0\n", "1:13", "opsize: 0 is out of range (allowed: 1..1024)"),
    ("AiM MAC_ABK 1 0x0 0\n", "1:15", "mask: 0x0 is out of range"),
    ("AiM MAC_ABK 1 0x100000000 0\n", "1:15", "mask: 0x100000000 is out of range"),
    ("AiM MAC_ABK 1 0x1 16384\n", "1:19", "row: 16384 is out of range (allowed: 0..16383)"),
    ("R MEM 32 0 0\n", "1:7", "channel: 32 is out of range (allowed: 0..31)"),
    ("# c\n\nW MEM 0 16 0\n", "3:9", "bank: 16 is out of range (allowed: 0..15)"),
]


@pytest.mark.parametrize(("text", "place", "message"), FAULTS)
def test_a_fault_has_its_place(tmp_path: Path, text: str, place: str, message: str) -> None:
    with pytest.raises(TraceError) as caught:
        read(tmp_path, text)
    assert f"t.aim:{place}: " in str(caught.value)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_instruction_that_the_standard_lacks_is_named(tmp_path: Path) -> None:
    spec = SPEC.model_copy(update={"commands": {n: c for n, c in SPEC.commands.items() if n != "EWMULab"}})
    with pytest.raises(TraceError, match="EWMUL needs the command EWMULab, which gddr6_aim_ref does not have"):
        read(tmp_path, "AiM EWMUL 1 0x1 0\nAiM EOC\n", spec)


def test_the_default_standard_takes_every_instruction(tmp_path: Path) -> None:
    assert requests(read(tmp_path, "AiM MAC_ABK 5 0x1 11\nAiM EOC\n", DEFAULT))[0][1:] == (5, 0, 11, 1)


def test_a_damaged_gzip_file_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "t.aim.gz"
    packed = gzip.compress(b"AiM SYNC\n" * 5000)
    for damaged in (packed[:40], packed[:12] + b"\xff\xff" + packed[14:]):
        path.write_bytes(damaged)
        with pytest.raises(TraceError, match=r"t\.aim\.gz:\d+:1: (cannot be read|damaged gzip data): "):
            read_aim(SPEC, path)


def test_the_log_is_of_the_first_channel_at_work(tmp_path: Path) -> None:
    path = tmp_path / "t.aim"
    path.write_text("AiM MAC_ABK 2 0x1 0\nAiM EOC\n")
    assert [entry.command for entry in replay_aim(SPEC, path, log=True).log] == ["ACTab", "MACab", "MACab"]
