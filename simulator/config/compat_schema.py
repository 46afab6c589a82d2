"""What a platform's ``compat`` may say: models of others to reproduce, with their constants and their defects."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from simulator.config.base_schema import Spec
from simulator.config.dram_schema import Dram

Amount = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=1)]


class CentLink(Spec):
    """The artifact's CXL model: lanes over all devices, its latency from device to device, and its flits."""

    lanes: Count
    gb_s_per_lane: Amount
    one_hop_ns: Amount
    flit_bytes: Count
    payload_bytes: Count
    energy_pj_per_bit: Amount
    source: str


class CentAccelerators(Spec):
    """Cycles of the controller's units: of one instruction on 512 elements, of cores per norm, element and head."""

    exponent_cycles: Amount
    vector_cycles: Amount
    buffer_read_cycles: Amount
    buffer_write_cycles: Amount
    norm_cycles: Amount
    rotary_cycles_per_element: Amount
    softmax_cycles_per_head: Amount
    softmax_core_cycles_per_head: Amount
    source: str


class CentPower(Spec):
    """The artifact's powers in mW: DRAM per channel, controllers per two channels, SRAMs, accelerators."""

    active_standby_mw: Amount
    precharged_standby_mw: Amount
    activate_mw: Amount
    read_mw: Amount
    write_mw: Amount
    activate_ns: Amount
    burst_ns: Amount
    mac_ns: Amount
    pin_pj_per_bit: Amount
    transaction_mw: Amount
    phy_mw: Amount
    channels_per_controller: Count
    global_buffer_mw: tuple[Amount, Amount, Amount]
    shared_buffer_mw: tuple[Amount, Amount, Amount]
    instruction_buffer_mw: tuple[Amount, Amount, Amount]
    reduction_mw: tuple[Amount, Amount]
    exponent_mw: tuple[Amount, Amount]
    vector_mw: tuple[Amount, Amount]
    control_mw: tuple[Amount, Amount]
    control_activity: Amount
    core_mw: Amount
    source: str


class CentArtifact(Spec):
    """CENT's published evaluation as it was computed: ``cent: true`` runs it instead of the platform.

    ``context_step``: it evaluates multiples of so many tokens. ``clock_mhz``: of DRAM commands and of the controller.
    """

    kind: str
    name: str
    description: str
    source: str
    cent: bool = False
    dram: Dram
    clock_mhz: Annotated[float, Field(gt=0)]
    sampling_ms: Amount
    context_step: Count
    link: CentLink
    accelerators: CentAccelerators
    power: CentPower
