"""Two valid documents, small enough to count lines in, and the component kind that one of them uses."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from simulator.config.base_schema import Spec
from simulator.config.platform_schema import ComponentSpec
from simulator.config.registry import component_specs
from simulator.quantities import Bytes, Picoseconds

Write = Callable[[str, str], Path]
"""Writes a document (name, text) into the current directory."""

PLATFORM = """\
kind: platform
name: sample
description: a platform
family: pim
source: assumed
components:
  memory:
    kind: test_memory
    channels: 32
    size_bytes: 16GiB
    ports:
      - {width_bits: 64, latency_ps: 3.9ns}
placement: {policy: near_bank, options: {depth: 2}}
layout: row_major
"""

DRAM = """\
kind: dram
name: sample
standard: SAMPLE
description: a standard
source: assumed
organization:
  levels: {bankgroup: 2, bank: 2}
  rows: 64
  row_bytes: 1024
  burst_bytes: 32
  data_pins: 64
  data_rate_mbps: 2000
tCK_ps: 1000
timings:
  nRCD: 14
  nRP: 14
  nRAS: 34
  nFAW: 15
  nRFC: 350
  tREFI_ps: 3900000
commands:
  ACT: {scope: bank, row: closed, opens: true, closer: PREpb}
  PREpb: {scope: bank, closes: true}
  PREab: {scope: channel, closes: true}
  RD: {scope: bank, row: open, opener: ACT, closer: PREpb, data: read, latency: nRCD + 2}
  WR: {scope: bank, row: open, opener: ACT, closer: PREpb, data: write, latency: nRCD}
  REFab: {scope: channel, row: closed, closer: PREab, latency: nRFC, refreshes: true}
constraints:
  - {level: bank, from: [ACT], to: [RD, WR], gap: nRCD}
  - {level: channel, from: [ACT], to: [ACT], gap: nFAW, window: 4}
controller:
  read_queue: 32
  write_queue: 32
  write_drain: {low: 0.2, high: 0.8}
  refresh: REFab
  address_mapping: RoBaBgCoCh
energy:
  source: assumed
  background_active_mw: 66
  background_precharged_mw: 48
  commands:
    ACT: {array_pj: 414}
"""


class Port(Spec):
    """A part of a component."""

    width_bits: Annotated[int, Field(ge=8, le=1024)]
    latency_ps: Picoseconds


@component_specs.register("test_memory")
class TestMemorySpec(ComponentSpec):
    """A component that exists only for these tests."""

    __test__ = False

    kind: Literal["test_memory"]
    channels: Annotated[int, Field(ge=1, le=4096)]
    size_bytes: Bytes
    ports: tuple[Port, ...] = ()
    policy: Literal["open_page", "closed_page"] = "open_page"
