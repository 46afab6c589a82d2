"""Bank arrays and engines of the shipped near-bank standards, for the tests beside this file."""

from functools import cache

from simulator.config.dram_schema import Dram
from simulator.config.loader import build, load_document
from simulator.dram.device import Device
from simulator.mapping.bank_array import Addressing, BankArray, bank_array


@cache
def device(name: str) -> Device:
    return Device(build(load_document(f"dram/{name}"), Dram))


def array(name: str, channels: int, *, accumulators: int = 32, addressing: Addressing = "column") -> BankArray:
    return bank_array(
        device(name).spec,
        channels,
        element_bytes=2,
        buffer_bytes=2048,
        accumulators=accumulators,
        addressing=addressing,
    )
