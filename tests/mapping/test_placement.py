"""Placement: who runs what, and what is said when nobody can."""

import pytest

from simulator.errors import ConfigError, MappingError
from simulator.mapping.placement import Placement
from simulator.workload.ops import Op


class Part:
    def __init__(self, role: str, *kinds: str) -> None:
        self.role = role
        self._kinds = kinds

    def supports(self, kind: str) -> bool:
        return kind in self._kinds

    def accepts(self, op: Op) -> bool:
        return op.flops < 1000


PARTS = {
    "pim": Part("near_bank", "qkv_proj", "attn_score"),
    "mxu": Part("matrix", "qkv_proj", "attn_score"),
    "simd": Part("vector", "softmax"),
    "cpu": Part("host", "sampling"),
}


@pytest.mark.parametrize(
    ("policy", "kind", "component"),
    [
        ("near_bank_first", "qkv_proj", "pim"),
        ("near_bank_first", "attn_score", "pim"),
        ("near_bank_first", "softmax", "simd"),
        ("near_bank_first", "sampling", "cpu"),
        ("matrix_memory", "qkv_proj", "mxu"),
        ("matrix_memory", "sampling", "cpu"),
    ],
)
def test_policies_choose_by_role(policy: str, kind: str, component: str) -> None:
    assert Placement(policy, {}, PARTS).component_for(Op(name="x", kind=kind)) == component


def test_an_option_overrules_the_policy() -> None:
    placement = Placement("near_bank_first", {"qkv_proj": "mxu"}, PARTS)
    assert placement.component_for(Op(name="x", kind="qkv_proj")) == "mxu"


def test_an_op_nobody_runs_names_op_kind_and_who_could() -> None:
    message = r"L03\.ffn_up: .* wants a near_bank component for ffn_up; able to run it: none"
    with pytest.raises(MappingError, match=message):
        Placement("near_bank_first", {}, PARTS).component_for(Op(name="L03.ffn_up", kind="ffn_up"))


def test_an_option_that_names_the_wrong_component_is_refused() -> None:
    with pytest.raises(MappingError, match="puts qkv_proj on 'simd', which cannot run it; able to run it: pim, mxu"):
        Placement("near_bank_first", {"qkv_proj": "simd"}, PARTS).component_for(Op(name="x", kind="qkv_proj"))


def test_an_unknown_policy_is_a_config_error_with_the_nearest_name() -> None:
    with pytest.raises(ConfigError, match="nearest: 'near_bank_first'"):
        Placement("near_bank_frist", {}, PARTS).component_for(Op(name="x", kind="softmax"))
