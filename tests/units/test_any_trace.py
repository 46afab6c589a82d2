"""Whatever bytes a trace or a log holds, it is read or refused at a line and column; nothing else is raised."""

import gzip
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.config.dram_schema import Dram
from simulator.config.loader import build, load_document
from simulator.dram.checker import check_log_file
from simulator.dram.replay import read_requests
from simulator.errors import TraceError
from simulator.units.aim_isa import read_aim

SPEC = build(load_document("gddr6_aim", expected_kind="dram"), Dram)
AIM = "W CFR 2 1\nAiM WR_SBK 0 0x1 3 4\nAiM MAC_ABK 5 0xffffffff 11\nR MEM 3 2 8\nAiM AF 0x1\nAiM EOC\n"
REQUESTS = "R 0x20\n5 W 0x40\nR 0,1,2,3,4\n9 R 0\n"
LOG = (
    "# standard: gddr6_aim\nclk,command,bankgroup,bank,row,column\n1,ACT,0,0,7,-1\n37,RD,0,0,7,3\n90,PREpb,0,0,-1,-1\n"
)
TOKENS = [
    " ",
    "\n",
    "\r",
    "\t",
    "-1",
    "0x",
    "9" * 25,
    "9" * 4400,
    ",",
    "#",
    "AiM ",
    "EOC",
    "R ",
    "W ",
    "CFR ",
    "1e3",
    "nan",
]
TOKENS += ["1e3", "nan", "\x00", "\x1b", "\u2028", "\ufeff", "é", "٣", "1_0", "2147483648", "9223372036854775808"]
READERS: dict[str, Callable[[Dram, Path], object]] = {".aim": read_aim, ".req": read_requests, ".cmd": check_log_file}


def damaged(text: str) -> st.SearchStrategy[bytes]:
    """``text`` with a stretch of it replaced by tokens or bytes."""
    cut = st.tuples(st.integers(0, len(text)), st.integers(0, 12))
    filling = st.lists(st.sampled_from(TOKENS), max_size=5).map("".join).map(str.encode) | st.binary(max_size=8)
    return st.builds(lambda at, new: text[: at[0]].encode() + new + text[at[0] + at[1] :].encode(), cut, filling)


def packed(data: bytes, cut: int) -> bytes:
    """Gzipped and truncated."""
    whole = gzip.compress(data, mtime=0)
    return whole[: len(whole) - cut]


def check(error: TraceError) -> None:
    """It is one line with a place."""
    assert error.message
    assert error.line is not None
    assert error.column is not None
    assert str(error).isprintable()


@pytest.mark.parametrize(("ending", "text"), [(".aim", AIM), (".req", REQUESTS), (".cmd", LOG)])
@given(data=st.data())
def test_any_bytes_are_read_or_refused_at_their_place(ending: str, text: str, data: st.DataObject) -> None:
    content = data.draw(damaged(text) | st.binary(max_size=60))
    cut = data.draw(st.none() | st.integers(0, 30))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"bad{ending}" if cut is None else f"bad{ending}.gz")
        path.write_bytes(content if cut is None else packed(content, cut))
        try:
            READERS[ending](SPEC, path)
        except TraceError as error:
            check(error)
