"""Cooperation: attention near the memory, products by batch, intensity or estimate, and what is said of bad options."""

from dataclasses import dataclass

import pytest

from simulator.errors import MappingError
from simulator.mapping.placement import Options, Placement
from simulator.workload.ops import AttentionOp, KvAppendOp, MatrixOp, Op


@dataclass(frozen=True)
class Memory:
    name: str


class Part:
    def __init__(self, role: str, memory: str, kinds: str, ps_per_vector: int = 0, ps: int = 0) -> None:
        self.role = role
        self.memory = Memory(memory)
        self._kinds = kinds.split()
        self._ps = (ps, ps_per_vector)

    def supports(self, kind: str) -> bool:
        return kind in self._kinds

    def accepts(self, op: Op) -> bool:
        del op
        return True

    def estimate_ps(self, op: Op) -> int | None:
        assert isinstance(op, MatrixOp)
        return self._ps[0] + self._ps[1] * op.tokens


PARTS = {
    "gpu": Part("gpu", "hbm", "ffn_up attn_score kv_append softmax sampling", ps=1000),
    "pim": Part("near_bank", "hbm", "ffn_up attn_score kv_append", ps_per_vector=300),
    "cpu": Part("host", "", "sampling"),
}


def fc(tokens: int) -> MatrixOp:
    return MatrixOp(
        name="L00.ffn_up", kind="ffn_up", out_features=8, in_features=8, tokens=tokens, weight="w", weight_bytes=128,
        flops=128 * tokens,
    )  # fmt: skip


def score(queries: int) -> AttentionOp:
    return AttentionOp(
        name="L00.attn_score", kind="attn_score", n_heads=1, n_kv_heads=1, head_dim=8, batch=1, queries=queries,
        context=8, pairs=8,
    )  # fmt: skip


def chosen(op: Op, options: Options | None = None) -> str:
    return Placement("cooperation", options or {}, PARTS).component_for(op)


@pytest.mark.parametrize(
    ("options", "tokens", "component"),
    [
        ({}, 1, "gpu"),
        ({"fc": "pim"}, 512, "pim"),
        ({"fc": "batch", "fc_most_vectors": 8}, 8, "pim"),
        ({"fc": "batch", "fc_most_vectors": 8}, 9, "gpu"),
        # Of fp16 weights a vector is one operation a byte.
        ({"fc": "intensity", "fc_most_flops_per_byte": 3}, 3, "pim"),
        ({"fc": "intensity", "fc_most_flops_per_byte": 3}, 4, "gpu"),
        # 300 ps a vector against 1000 ps whatever the batch.
        ({"fc": "auto"}, 3, "pim"),
        ({"fc": "auto"}, 4, "gpu"),
    ],
)
def test_products_go_by_their_rule(options: Options, tokens: int, component: str) -> None:
    assert chosen(fc(tokens), options) == component


def test_attention_of_one_query_and_the_cache_are_near_the_memory_and_the_prompt_is_not() -> None:
    append = KvAppendOp(name="a", kind="kv_append", n_kv_heads=1, head_dim=8, batch=1, new_tokens=1, position=0)
    assert [chosen(op) for op in (score(1), append, score(8))] == ["pim", "pim", "gpu"]
    assert chosen(score(1), {"attention": "xpu"}) == "gpu"
    assert chosen(score(8), {"prompt_attention": "pim"}) == "pim"


def test_the_rest_is_on_processors_and_sampling_on_the_host() -> None:
    assert chosen(Op(name="x", kind="softmax")) == "gpu"
    assert chosen(Op(name="x", kind="sampling")) == "cpu"


def test_ops_that_differ_in_shape_alone_are_told_apart() -> None:
    placement = Placement("cooperation", {"fc": "batch"}, PARTS)
    assert placement.alike(fc(1)) != placement.alike(fc(8))
    assert Placement("one_processor", {}, PARTS).alike(fc(1)) == Placement("one_processor", {}, PARTS).alike(fc(8))


def test_a_component_can_be_named() -> None:
    parts = {**PARTS, "fc_pim": Part("near_bank", "hbm", "ffn_up attn_score kv_append")}
    placement = Placement("cooperation", {"fc": "pim", "fc_pim": "fc_pim", "pim": "pim"}, parts)
    assert [placement.component_for(op) for op in (fc(1), score(1))] == ["fc_pim", "pim"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"fc": "bach"}, r"no rule for placement\.options\.fc 'bach' .*nearest: 'batch'"),
        ({"fc": "batch", "fc_most_vectors": "four"}, r"fc_most_vectors: 'four' is not a number"),
        ({"fc": "pim", "pim": "pin"}, r"placement\.options\.pim: no component 'pin' .*nearest: 'pim'"),
    ],
)
def test_bad_options_are_refused(options: Options, message: str) -> None:
    with pytest.raises(MappingError, match=message):
        chosen(fc(1), options)


def test_a_side_that_is_none_is_refused() -> None:
    with pytest.raises(MappingError, match=r"placement\.options\.attention: 'gpu' is not a side \(allowed: pim, xpu\)"):
        chosen(score(1), {"attention": "gpu"})


def test_weights_cannot_be_in_two_memories() -> None:
    parts = {**PARTS, "pim": Part("near_bank", "other", "ffn_up")}
    with pytest.raises(MappingError, match="have to read one memory, not 'other'"):
        Placement("cooperation", {"fc": "batch"}, parts).component_for(fc(1))
