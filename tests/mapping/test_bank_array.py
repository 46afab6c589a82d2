"""What a standard needs to compute near its banks."""

import pytest
from arrays import array, device

from simulator.config.dram_schema import Dram
from simulator.config.loader import build, load_document
from simulator.errors import MappingError
from simulator.mapping.bank_array import bank_array


def test_the_array_is_read_off_the_standard() -> None:
    found = array("gddr6_aim", 32)
    assert (found.banks, found.row_bursts, found.elements, found.row_elements) == (16, 64, 16, 1024)
    assert found.mac_bytes == device("gddr6_aim").spec.commands["MACab"].internal_bytes


@pytest.mark.parametrize(
    ("standard", "element_bytes", "buffer_bytes", "message"),
    [
        ("hbm3_6.4g", 2, 2048, "lacks the commands MACab, WRGB, WRMACab, RDMACab"),
        ("gddr6_aim", 3, 2048, "no whole number of 3-byte elements"),
        ("gddr6_aim", 4, 2048, "cannot carry the 16 sums"),
        ("gddr6_aim", 2, 1024, "shorter than a row"),
    ],
)
def test_what_cannot_compute_is_refused(standard: str, element_bytes: int, buffer_bytes: int, message: str) -> None:
    dram = build(load_document(f"dram/{standard}"), Dram)
    with pytest.raises(MappingError, match=message):
        bank_array(dram, 4, element_bytes=element_bytes, buffer_bytes=buffer_bytes, accumulators=8, addressing="column")
