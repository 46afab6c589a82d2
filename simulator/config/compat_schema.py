"""What a platform's ``compat`` may say: models of others to reproduce, with their constants and their defects."""

from __future__ import annotations

from typing import Annotated, Literal

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

    @property
    def on(self) -> bool:
        """Whether its figures are asked for."""
        return self.cent


class AttaccGpu(Spec):
    """The roofline of one GPU: peaks, caches, one way of its links doubled, and the shares of the peaks it reaches."""

    cores: Count
    flops_per_s: Amount
    memory_gb_s: Amount
    l1_bytes: Count
    l2_bytes: Count
    link_gb_s: Amount
    compute_share: Amount
    memory_share: Amount
    source: str


class AttaccKernels(Spec):
    """Lines through measured times: of activation functions, norms and messages between GPUs."""

    fitted_at_gb_s: Amount
    activation_us: Amount
    activation_us_per_byte: Amount
    norm_us: Amount
    norm_us_per_byte: Amount
    message_ns: Amount
    message_ns_per_byte: Amount
    fitted_at_link_gb_s: Amount
    source: str


class AttaccPim(Spec):
    """AttAcc devices; ``scale``: bandwidth in a stack over that of its pins, (limited, unlimited) by level."""

    devices: Count
    stacks: Count
    channels: Count
    stack_gb_s: Amount
    link_gb_s: Amount
    clock_ns: Amount
    unlimited_gap: Count
    scale: dict[str, tuple[Amount, Amount]]
    source: str


class AttaccEnergy(Spec):
    """Energies of the GPU and of units at each level; those of moves are of a bit, charged for a byte."""

    memory_pj_per_byte: Amount
    l2_pj_per_byte: Amount
    l1_pj_per_byte: Amount
    register_pj: Amount
    mac_pj: Amount
    link_pj_per_byte: Amount
    softmax_sram_pj_per_byte: Amount
    cells_pj_per_byte: dict[str, Amount]
    interposer_pj: Amount
    tsv_pj: Amount
    global_io_pj: Amount
    bank_group_pj: Amount
    source: str


class AttaccArtifact(Spec):
    """AttAcc's published evaluation as it was computed: ``attacc: true`` runs it instead of the platform.

    ``level``: where attention runs, ``none`` for the GPUs. ``power_limit``: MACs further apart. ``ffopt``: a part of
    the feed-forward products runs on the units; ``pipeopt``: attention of some heads beside the products of others.
    ``cached``: energy as of a second run, which finds cycles in a file and counts both pseudo-channels at the buffer.
    """

    kind: str
    name: str
    description: str
    source: str
    attacc: bool = False
    level: Literal["none", "bank", "bankgroup", "buffer"] = "none"
    power_limit: bool = True
    ffopt: bool = False
    pipeopt: bool = False
    cached: bool = False
    gpu: AttaccGpu
    kernels: AttaccKernels
    pim: AttaccPim
    dram: Dram
    energy: AttaccEnergy

    @property
    def on(self) -> bool:
        """Whether its figures are asked for."""
        return self.attacc


Compat = CentArtifact | AttaccArtifact
