"""CENT's block programs are, request for request, the traces that CENT published figures with."""

import itertools
from pathlib import Path

import numpy as np
import pytest

from simulator.cli.specs import load_dram
from simulator.dram.program import HostProgram
from simulator.errors import MappingError
from simulator.mapping.cent.block import block_program, ends_program, products_program
from simulator.mapping.cent.layout import BlockShape, Placing
from simulator.units.aim_isa import read_aim

TRACES = Path(__file__).parents[2] / "experiments" / "validation" / "data" / "aim" / "traces"
LLAMA2_7B = BlockShape(4096, 11008, 32, 32, 128, 4096)
LLAMA2_70B = BlockShape(8192, 28672, 64, 8, 128, 4096)


def requests(program: HostProgram) -> tuple[list[tuple[object, ...]], list[int]]:
    """Requests without rows, and rows as the order of first use by bank and command class."""
    found = program.requests
    plain = [(*row[:3], program.masks[row[4]].tobytes(), *row[5:]) for row in found.tolist()]
    _, first, numbers = np.unique(found[:, 3], return_index=True, return_inverse=True)
    return plain, np.argsort(np.argsort(first))[numbers].tolist()


@pytest.mark.parametrize(
    ("trace", "shape", "placing", "context"),
    [
        ("llama2-7b_pp_8ch_seq512", LLAMA2_7B, Placing(8), 512),
        ("llama2-7b_pp_8ch_seq4096", LLAMA2_7B, Placing(8), 4096),
        ("llama2-7b_pp_32ch_seq512", LLAMA2_7B, Placing(32), 512),
        ("llama2-7b_tp8_seq512", LLAMA2_7B, Placing(32, 8), 512),
        ("llama2-70b_pp_10ch_seq512", LLAMA2_70B, Placing(10), 512),
    ],
)
def test_block_program_equals_the_published_trace(trace, shape, placing, context):
    dram = load_dram("gddr6_aim_ref")
    ours, our_rows = requests(block_program(dram, shape, placing, context))
    theirs, their_rows = requests(read_aim(dram, TRACES / f"cent_{trace}.aim.gz"))
    assert ours == theirs
    assert [a == b for a, b in itertools.pairwise(our_rows)] == [a == b for a, b in itertools.pairwise(their_rows)]


def test_products_alone_read_the_weights_once():
    dram = load_dram("gddr6_aim_ref")
    program = products_program(dram, LLAMA2_7B, Placing(32))
    macs = program.requests[program.requests[:, 0] == list(dram.commands).index("MACab")]
    per_mac = 32 * 16 * 16
    assert int(macs[:, 1].sum()) * per_mac >= 4 * 4096 * 4096 + 3 * 4096 * 11008
    assert int(macs[:, 1].sum()) * per_mac <= 1.05 * (4 * 4096 * 4096 + 3 * 4096 * 11008)


def test_ends_take_the_vocabulary_twice():
    dram = load_dram("gddr6_aim_ref")
    program = ends_program(dram, LLAMA2_7B, Placing(32), 32000)
    macs = program.requests[program.requests[:, 0] == list(dram.commands).index("MACab")]
    assert int(macs[:, 1].sum()) * 32 * 16 * 16 == pytest.approx(2 * 32000 * 4096, rel=0.05)


def test_a_block_needs_a_channel():
    with pytest.raises(MappingError, match=r"0 channels a block \(allowed: 1\.\.32\)"):
        Placing(0)
