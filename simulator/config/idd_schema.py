"""What a standard's YAML may say of its energy: per command, or as the IDD currents of its devices."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from simulator.config.base_schema import Spec

NonNegative = Annotated[float, Field(ge=0, le=1e12)]
Positive = Annotated[float, Field(ge=1e-6, le=1e6)]
Share = Annotated[float, Field(ge=0, le=1)]


class CommandEnergy(Spec):
    """Energy of one command, split by where it is spent; pJ for the whole scope of the command.

    ``array_pj``: cell array, sense amplifiers, bank-local wires. ``io_pj``: everything from the bank to the pins, with
    the interface. ``compute_pj``: near-bank arithmetic. ``sram_pj``: buffers on the DRAM die.
    """

    array_pj: NonNegative = 0.0
    io_pj: NonNegative = 0.0
    compute_pj: NonNegative = 0.0
    sram_pj: NonNegative = 0.0
    source: str | None = None


class Rail(Spec):
    """One supply of a device: its voltage, and the current that it gives in each measuring loop of the standard, in mA.

    The names are those of VDD; on VPP ``IDD0_ma`` is IPP0, on VDDQ it is IDDQ0, on VDD2H it is IDD02H. ``IDD5B_ma`` is
    the current *during* a refresh of all banks (not IDD5R, the average over the interval), ``IDD5PB_ma`` that during a
    refresh of one bank.
    """

    supply_v: Positive
    IDD0_ma: NonNegative
    IDD2N_ma: NonNegative
    IDD3N_ma: NonNegative
    IDD4R_ma: NonNegative
    IDD4W_ma: NonNegative
    IDD5B_ma: NonNegative
    IDD5PB_ma: NonNegative | None = None
    IDD2P_ma: NonNegative
    IDD3P_ma: NonNegative
    IDD6_ma: NonNegative
    source: str | None = None


class Interface(Spec):
    """Driver and termination of the data pins, both ends, which no current of the rails holds.

    Either ``pj_per_bit``, or a driver into a termination: the current flows while a bit is of the conducting kind (low
    into a termination to the supply, high into one to ground), which is ``conducting_share`` of the time.
    """

    pj_per_bit: NonNegative | None = None
    supply_v: Positive | None = None
    driver_ohm: Positive | None = None
    termination_ohm: Positive | None = None
    conducting_share: Share | None = None
    source: str


class Idd(Spec):
    """The currents of the devices behind one channel, and how commands and states follow from them.

    ``devices_per_rank`` devices share each command of a rank (a pseudo-channel, where there are such); a fraction where
    the currents are those of a wider part. ``open_bank_share`` of IDD3N - IDD2N grows with the number of open banks,
    the rest is drawn as soon as any is open. ``array_share`` of the on-die energy of a burst is spent in the cell
    array, the rest on the way to the pins. ``refresh_base`` is subtracted from IDD5B: IDD2N makes a refresh draw IDD5B
    in all, since its time counts as precharged; IDD3N is the convention of the vendors' power calculators.
    """

    devices_per_rank: Positive
    rails: Annotated[dict[str, Rail], Field(min_length=1)]
    open_bank_share: Share = 0.0
    refresh_base: Literal["IDD2N", "IDD3N"] = "IDD2N"
    array_share: Share
    interface: Interface
    source: str


class DramEnergy(Spec):
    """Energy of one channel: commands, and background power by the state of its banks, in mW.

    ``idd`` gives all of it; only ``commands`` may stand beside it, and have precedence. Without ``idd`` the background
    with any bank open and with all banks precharged are needed; the states of low power are optional.
    """

    idd: Idd | None = None
    commands: dict[str, CommandEnergy] = Field(default_factory=dict)
    background_active_mw: NonNegative | None = None
    background_precharged_mw: NonNegative | None = None
    power_down_active_mw: NonNegative | None = None
    power_down_precharged_mw: NonNegative | None = None
    self_refresh_mw: NonNegative | None = None
    source: str
