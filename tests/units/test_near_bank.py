"""The near-bank unit: which loop order it takes, and what it refuses."""

import pytest
from parts import product, run_alone, wired

from simulator.errors import MappingError
from simulator.mapping.gemv import gemv_chain, loop_orders
from simulator.units.near_bank import NearBank, _cost
from simulator.workload.ops import AttentionOp, KvAppendOp, MatrixOp, Op


def unit(name: str = "aim_1card") -> NearBank:
    found = wired(name).components["near_bank"]
    assert isinstance(found, NearBank)
    return found


@pytest.mark.parametrize(("outputs", "inputs", "vectors"), [(32000, 4096, 1), (512, 512, 6), (4096, 1500, 3)])
@pytest.mark.parametrize("name", ["aim_1card", "hbm2_pim_bank"])
def test_the_fastest_loop_order_is_taken_and_shown(name: str, outputs: int, inputs: int, vectors: int) -> None:
    near_bank = unit(name)
    op = product(outputs, inputs, vectors)
    chain = near_bank.chain(op)
    shape = near_bank.shape(op)
    engine = near_bank.memory.engine
    costs = {
        order: _cost(engine, gemv_chain(engine.spec, near_bank.array, shape, order))
        for order in loop_orders(near_bank.array, shape)
    }
    assert _cost(engine, chain) == min(costs.values())
    assert costs[near_bank.orders[op.kind]] == min(costs.values())


def test_equal_shapes_share_their_programs() -> None:
    near_bank = unit()
    assert near_bank.chain(product(640, 512)) is near_bank.chain(product(640, 512))


def test_a_prompt_is_a_product_for_each_length_its_positions_see() -> None:
    near_bank = unit()

    def score(context: int, queries: int) -> AttentionOp:
        pairs = sum(range(context - queries + 1, context + 1))
        n_bytes = 2 * 2 * context * 64
        return AttentionOp(
            name="s", kind="attn_score", kv_read_bytes=n_bytes, n_heads=4, n_kv_heads=2, head_dim=64, batch=1,
            queries=queries, context=context, pairs=pairs,
        )  # fmt: skip

    whole = near_bank.chain(score(40, 40)).mac_bytes
    assert whole == sum(near_bank.chain(score(context, 1)).mac_bytes for context in range(1, 41))


def test_an_op_ends_with_its_last_result_not_before_the_pins_allow() -> None:
    system = wired("aim_1card")
    took = run_alone(system, product(4096, 4096))
    memory = system.components["memory"]
    (_, _), (hop, bytes_per_s) = memory.ceilings()
    assert hop == ("bank_io->mac",)
    assert took >= 2 * 4096 * 4096 / bytes_per_s * 1e12


@pytest.mark.parametrize(
    ("op", "message"),
    [
        (
            MatrixOp(name="p", kind="ffn_up", weight_bytes=4096, out_features=64, in_features=64, tokens=1, weight="w"),
            "p: 8-bit data; the lanes of near_bank take 16 bits",
        ),
        (
            KvAppendOp(
                name="a",
                kind="kv_append",
                kv_write_bytes=64,
                n_kv_heads=1,
                head_dim=64,
                batch=1,
                new_tokens=1,
                position=0,
            ),
            "a: 4-bit data",
        ),
        (Op(name="o", kind="ffn_up"), "near_bank cannot run a Op"),
    ],
)
def test_what_the_lanes_cannot_take_is_refused(op: Op, message: str) -> None:
    with pytest.raises(MappingError, match=message):
        unit().chain(op)
