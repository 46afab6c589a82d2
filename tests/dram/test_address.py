"""Address mappings are bijections, put fields where their names say, and refuse what they cannot map."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import DATA, STANDARDS, bank_count, standard, with_controller

from simulator.dram.address import AddressMapping, Location
from simulator.dram.device import Device, RequestList, Stream

HASHED = {"bank_hash": "xor", "channel_interleave_bytes": 4096}
CHANNELS = st.sampled_from((1, 2, 3, 32))


@pytest.mark.parametrize("name", STANDARDS)
@given(data=st.data())
def test_addresses_and_locations_are_one_to_one(name: str, data: st.DataObject) -> None:
    spec = with_controller(standard(name), **data.draw(st.sampled_from(({}, HASHED))))
    mapping = AddressMapping(spec, data.draw(CHANNELS))
    bursts = st.integers(0, mapping.capacity_bytes // mapping.burst_bytes - 1)
    addresses = np.array(data.draw(st.lists(bursts, unique=True, max_size=50)), dtype=np.int64) * mapping.burst_bytes
    places = mapping.decode(addresses)
    assert np.array_equal(mapping.encode(places), addresses)
    assert len(set(zip(*(part.tolist() for part in places), strict=True))) == len(addresses)


@pytest.mark.parametrize("name", STANDARDS)
@given(data=st.data())
def test_every_order_of_fields_maps_every_location_to_its_own_address(name: str, data: st.DataObject) -> None:
    spec = standard(name)
    order = "".join(data.draw(st.permutations(["Ro", "Co", "Ch", "Ba", "Bg", "Pc", "Si", "Ra"])))
    mapping = AddressMapping(spec, 2, order)
    ranges = (2, bank_count(spec), spec.organization.rows, spec.organization.row_bytes // mapping.burst_bytes)
    location = Location(*(np.int64(data.draw(st.integers(0, count - 1))) for count in ranges))
    address = mapping.encode(location)
    assert mapping.decode(address) == location
    assert mapping.decode(address + mapping.burst_bytes - 1) == location


@pytest.mark.parametrize("name", STANDARDS)
def test_a_memory_holds_all_rows_of_all_banks_of_all_channels(name: str) -> None:
    spec = standard(name)
    rows = bank_count(spec) * spec.organization.rows
    assert AddressMapping(spec, 4).capacity_bytes == 4 * rows * spec.organization.row_bytes


@pytest.mark.parametrize("name", ["hbm2_2.0g", "hbm3_6.4g"])
def test_hbm_mappings_are_those_of_their_source(name: str) -> None:
    spec = standard(name)
    mapping = AddressMapping(spec)
    source = json.loads((DATA / "ramulator2" / "hbm.json").read_text())[name]["mapping_LSB_first"]
    bit = 0
    for field, width in source:
        location = mapping.decode(1 << bit)
        places = {"Column": int(location.column), "Row": int(location.row)}
        below = bank_count(spec)
        for level, count in spec.organization.levels.items():
            below //= count
            places[level] = int(location.bank) // below % count
        moved = {place for place, value in places.items() if value}
        expected = {"tx_offset": set(), "PseudoChannel": {"pseudochannel"}, "BankGroup": {"bankgroup"}, "Sid": {"sid"}}
        assert moved == expected.get(field, {"bank"} if field == "Bank" else {field}), field
        bit += width
    assert 1 << bit == mapping.capacity_bytes


def test_channels_interleave_by_burst_when_they_come_last() -> None:
    mapping = AddressMapping(standard("gddr6_aim"), 4)
    assert mapping.decode(np.arange(6) * 32).channel.tolist() == [0, 1, 2, 3, 0, 1]


@pytest.mark.parametrize(
    ("order", "message"),
    [
        ("RoBaCoCh", "lacks Bg"),
        ("RoBaBgCo", "lacks Ch"),
        ("RoBaBgCoChXx", "is not made of"),
        ("RoBaBgCoChR", "is not made of"),
        ("RoBaBgCoChCo", "must name each field once"),
        ("RoBaBgCh", "must name each field once, with Ro and Co"),
    ],
)
def test_a_mapping_that_does_not_fit_is_refused(order: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        AddressMapping(standard("gddr6_aim"), 2, order)


def test_what_lies_outside_the_memory_is_refused() -> None:
    mapping = AddressMapping(standard("gddr6_aim"))
    inside = Location(*(np.array([value]) for value in (0, 15, 16383, 63)))
    assert mapping.encode(inside)[0] == mapping.capacity_bytes - 32
    for address in (-1, mapping.capacity_bytes):
        with pytest.raises(ValueError, match="outside the memory"):
            mapping.decode(address)
    for field, value in (("channel", 1), ("bank", 16), ("row", 16384), ("column", 64), ("bank", -1), ("row", -1)):
        with pytest.raises(ValueError, match="outside 0"):
            mapping.encode(inside._replace(**{field: np.array([value])}))


def test_a_bank_hash_spreads_the_rows_of_one_bank_over_all_banks() -> None:
    spec = with_controller(standard("ddr4_3200_8gb_x8"), bank_hash="xor")
    plain, hashed = AddressMapping(standard("ddr4_3200_8gb_x8")), AddressMapping(spec)
    rows = np.arange(64)
    same = Location(rows * 0, rows * 0 + 5, rows, rows * 0)
    found = hashed.decode(plain.encode(same))
    assert found.bank.tolist() == [5 ^ row % 16 for row in range(64)]
    assert found.row.tolist() == rows.tolist()


def test_channels_take_blocks_of_the_interleave_in_turn() -> None:
    spec = with_controller(standard("hbm2_2.0g"), channel_interleave_bytes=256)
    channel = AddressMapping(spec, 4).decode(np.arange(0, 4096, 32)).channel
    assert channel.tolist() == [i // 8 % 4 for i in range(128)]


def test_a_stream_with_a_bank_hash_is_the_list_of_its_bursts() -> None:
    spec = with_controller(standard("ddr4_3200_8gb_x8"), bank_hash="xor")
    place = AddressMapping(spec).decode(np.arange(3000) * 64)
    listed = RequestList(np.zeros(3000, dtype=np.bool_), place.bank, place.row, place.column)
    stream = Device(spec).run_streams([Stream("R", 0, 3000, 1)], remember=True)
    assert stream.end_tick == Device(spec).run_requests(listed).end_tick
