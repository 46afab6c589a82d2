"""Number formats, packing, and the list of weight tensors."""

from __future__ import annotations

from fractions import Fraction
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.errors import WorkloadError
from simulator.workload.model import Model
from simulator.workload.ops import FFN_UP, OP_KINDS, OpKind, register_kind
from simulator.workload.precision import Precision, tensor_bytes
from simulator.workload.tensors import kv_cache_layer_bytes, weight_tensors, weights_bytes

BYTES_PER_ELEMENT: dict[str, int | Fraction] = {
    "fp32": 4,
    "fp16": 2,
    "bf16": 2,
    "fp8": 1,
    "int8": 1,
    "int4": Fraction(1, 2),
}
TIED = Model("tied", 2, 5, 2, 1, 2, 7, 9, 64, tie_embeddings=True)


@given(st.integers(0, 10**15), st.sampled_from(sorted(BYTES_PER_ELEMENT)))
def test_tensor_is_packed_and_rounded_up_to_a_byte(elements: int, number_format: str) -> None:
    assert tensor_bytes(elements, number_format) == ceil(elements * BYTES_PER_ELEMENT[number_format])


@pytest.mark.parametrize("key", ["weights", "activations", "kv_cache"])
def test_unknown_format_is_refused_with_the_allowed_ones(key: str) -> None:
    with pytest.raises(WorkloadError, match=rf"precision\.{key}: 'fp12' is not a number format .*fp16.*int4"):
        Precision(**{key: "fp12"})


def test_each_class_of_tensor_has_its_own_format() -> None:
    precision = Precision("int4", "fp32", "fp8")
    assert (precision.weight_bytes(3), precision.activation_bytes(3), precision.kv_bytes(3)) == (2, 12, 3)


def test_tied_table_is_stored_once_and_rounding_is_per_tensor() -> None:
    names = [tensor.name for tensor in weight_tensors(TIED)]
    assert len(names) == len(set(names)) == 1 + 2 * 7 + 1
    assert names[0] == "embed_tokens"
    assert names[-1] == "final_norm"
    assert sum(tensor.elements for tensor in weight_tensors(TIED)) == TIED.n_parameters
    sizes = [9 * 5, *2 * [5, 8 * 5, 5 * 4, 5, 7 * 5, 7 * 5, 5 * 7], 5]
    assert weights_bytes(TIED, Precision("int4")) == sum((size + 1) // 2 for size in sizes)


def test_cache_of_a_layer_holds_keys_and_values() -> None:
    assert kv_cache_layer_bytes(TIED, batch=3, tokens=4, precision=Precision(kv_cache="int8")) == 2 * 3 * 4 * 2


def test_op_kind_is_registered_once() -> None:
    assert OP_KINDS.get("ffn_up") is FFN_UP
    with pytest.raises(ValueError, match="op kind 'ffn_up' is registered twice"):
        register_kind(OpKind("ffn_up", "again"))
