"""When a memory without work goes into a state of low power."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field

from simulator.config.base_schema import Spec
from simulator.quantities import parse_time_ps

Time = Annotated[int, Field(ge=0, le=10**15), BeforeValidator(parse_time_ps)]


class IdlePolicy(Spec):
    """Times since the last row was closed on a memory without work; a state without a time is never entered.

    ``power_down_after_ps``: precharge power-down, left after tXP for each refresh and for work.
    ``self_refresh_after_ps``: self-refresh, in which the devices refresh themselves, left after tXS.
    """

    power_down_after_ps: Time | None = None
    self_refresh_after_ps: Time | None = None
