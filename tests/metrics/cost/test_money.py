"""Costs of tokens, payback and plans: by hand, by property, and against a published comparison."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator import load_arch, load_workload, simulate
from simulator.config.cost_schema import Costs, Load, Machine, Measured, Part, Plans, Stage
from simulator.config.loader import build, load_document
from simulator.errors import ConfigError
from simulator.metrics.cost.appraisal import appraise
from simulator.metrics.cost.payback import Fleet, cheaper_from_month, fleet_for, payback_months, running_total_usd
from simulator.metrics.cost.tokens import Offer, offer_of, token_cost

TERMS = Costs(
    kind="cost", source="test", years=2, electricity_usd_per_kwh=0.1, pue=1.5, utilization=0.5,
    machines={"any": Machine(parts={"all": Part(usd_each=1, source="test")})},
)  # fmt: skip
USD, RATE, POWER = st.floats(1, 1e6), st.floats(1, 1e5), st.floats(1, 1e4)


def an_offer(usd: float = 17_520, rate: float = 100, watts: float = 1000, idle: float = 200) -> Offer:
    return Offer("m", "m", {"all": usd}, rate, watts, idle)


def test_tokens_cost_hardware_over_its_years_and_power_in_use_and_idle() -> None:
    found = token_cost(TERMS, an_offer())
    assert found.hardware_usd_per_hour == 1.0  # 17,520 $ over 2 x 8,760 hours
    assert found.power_usd_per_hour == pytest.approx(0.6 * 1.5 * 0.1)  # half of the time 1000 W, half 200 W
    assert found.usd_per_million_tokens == pytest.approx(1.09 / (100 * 3600 * 0.5) * 1e6)


@given(usd=USD, rate=RATE, watts=POWER, load=st.floats(1, 1e10))
def test_a_fleet_is_the_least_that_carries_the_load(usd: float, rate: float, watts: float, load: float) -> None:
    offer = an_offer(usd, rate, watts, watts / 2)
    fleet = fleet_for(TERMS, offer, load)
    each = offer.tokens_per_day * TERMS.utilization
    assert fleet.machines * each >= load * (1 - 1e-9)
    assert fleet.machines == 1 or (fleet.machines - 1) * each < load * (1 + 1e-9)
    assert fleet.usd == fleet.machines * usd


def test_payback_is_what_costs_more_over_what_it_saves() -> None:
    base = Fleet(1, 1000, 100)
    assert payback_months(Fleet(1, 1600, 40), base) == 10
    assert payback_months(Fleet(1, 1600, 100), base) is None
    assert payback_months(Fleet(1, 900, 90), base) == 0
    assert payback_months(Fleet(1, 900, 110), base) is None


def test_a_plan_buys_for_growing_loads_and_sells_what_it_replaces() -> None:
    day = an_offer().tokens_per_day * TERMS.utilization
    plans = Plans(
        months=3,
        load=(Load(tokens_per_day=day), Load(from_month=1, tokens_per_day=2 * day)),
        stages={"p": (Stage(machine="a"), Stage(machine="b", from_month=2, resale_share=0.5))},
    )
    costs = TERMS.model_copy(update={"plans": plans, "electricity_usd_per_kwh": 0.0})
    offers = {"a": an_offer(usd=100), "b": an_offer(usd=1000, rate=200)}
    # One a, a second for twice the load; then both sold for half, one b of twice the rate.
    assert running_total_usd(costs, offers, plans.stages["p"]) == [100, 200, 200 - 100 + 1000]
    assert cheaper_from_month([3, 3, 3], [1, 4, 5]) == 1
    assert cheaper_from_month([3, 3, 6], [1, 4, 5]) is None
    assert cheaper_from_month([1], [2]) == 0


def test_published_costs_of_cent_come_out_of_its_prices() -> None:
    costs = build(load_document("cent_asplos25", expected_kind="cost"), Costs)
    published = {  # $/h (artifact, TCO_factor), and the ratio of decoded tokens/s (figure_13b.csv)
        "llama2_70b": ("cent_32dev", "4x_a100_70b", 0.73, 1.76, 1.254944),
        "llama2_7b": ("cent_8dev", "a100_7b", 0.73 / 4, 1.76 / 4, 2.969321),
    }
    for model, (devices, gpus, devices_usd, gpus_usd, faster) in published.items():
        workload = load_workload(f"{model}_512_64", ["output_tokens=3584"])
        result = simulate(load_arch(devices, ["compat.cent=true"]), workload)
        cent = token_cost(costs, offer_of(devices, costs.machines[devices], result))
        a100 = token_cost(costs, offer_of(gpus, costs.machines[gpus], None))
        assert cent.usd_per_hour == pytest.approx(devices_usd, rel=0.1)
        assert a100.usd_per_hour == pytest.approx(gpus_usd, rel=0.1)
        ratio = a100.usd_per_million_tokens / cent.usd_per_million_tokens
        assert ratio == pytest.approx(faster * gpus_usd / devices_usd, rel=0.1)


@pytest.mark.parametrize(("devices", "machines"), [(1, 2), (2, 1), (None, 1)])
def test_a_run_on_several_devices_buys_all_of_them(devices: int | None, machines: int) -> None:
    machine = TERMS.machines["any"].model_copy(update={"devices": devices, "more_w": 3})
    workload = load_workload("llama2_7b_512_64", ["prompt_tokens=4", "output_tokens=2"])
    result = simulate(load_arch("h100_sxm", ["devices.count=2", "parallelism.tensor=2"]), workload)
    offer = offer_of("any", machine, result)
    assert offer.usd == machines
    assert offer.busy_w == (result.power_w or 0) + 3 * machines


def test_what_has_no_figures_is_an_error() -> None:
    machine = TERMS.machines["any"]
    with pytest.raises(ConfigError, match="neither a run of 'any' nor measured figures"):
        offer_of("any", machine, None)
    measured = machine.model_copy(update={"measured": Measured(tokens_per_s=5, power_w=7, source="test"), "more_w": 3})
    offer = offer_of("any", measured, None)
    assert (offer.tokens_per_s, offer.busy_w, offer.idle_w) == (5, 10, 10)
    with pytest.raises(ConfigError, match="no figures of 'anny' \\(there are: any\\); nearest: 'any'"):
        appraise(TERMS, [offer], baseline="anny")


@pytest.mark.parametrize(
    ("change", "where", "message"),
    [
        (
            "    - {from_month: 12, tokens_per_day: 20000000}",
            "    - {from_month: 0, tokens_per_day: 2}",
            "month 0 does",
        ),
        ("{machine: rtx4090}, {machine: aim_1card", "{machine: rtx4090}, {machine: aim_card", "no machine 'aim_card'"),
        ("          mm2: 100\n", "          mm2: 100\n          component: a\n", "a die has either 'mm2' or the"),
    ],
)
def test_costs_that_contradict_themselves_are_located(tmp_path: Path, change: str, where: str, message: str) -> None:
    text = Path("arch_configs/costs/onprem_pilot.yaml").read_text()
    assert change in text
    path = tmp_path / "own.yaml"
    path.write_text(text.replace(change, where))
    with pytest.raises(ConfigError, match=message) as caught:
        build(load_document(path), Costs)
    assert "own.yaml:" in str(caught.value)


def test_a_plan_whose_machine_has_no_figures_is_left_out_by_name() -> None:
    plans = Plans(
        months=1, load=(Load(tokens_per_day=1),), stages={"known": (Stage(machine="m"),), "gone": (Stage(machine="n"),)}
    )
    found = appraise(TERMS.model_copy(update={"plans": plans}), [an_offer()])
    assert (set(found.plans), found.unknown) == ({"known"}, {"gone": "n"})
