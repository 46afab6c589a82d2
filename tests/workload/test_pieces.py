"""Pieces of a prompt: together they are the prompt, token by token and pair by pair."""

from hypothesis import given
from hypothesis import strategies as st

from simulator.workload.pieces import pieces_of
from simulator.workload.step import Step

SIZES = st.integers(1, 9).flatmap(lambda devices: st.tuples(st.just(devices), st.integers(2 * devices, 300)))


@given(SIZES, st.integers(1, 4), st.one_of(st.none(), st.integers(1, 320)))
def test_pieces_add_up_to_the_prompt(sizes: tuple[int, int], batch: int, window: int | None) -> None:
    devices, tokens = sizes
    whole, pieces = Step(batch, tokens, 0), pieces_of(batch, tokens, devices)
    assert sum(piece.tokens for piece in pieces) == whole.tokens
    assert sum(piece.pairs for piece in pieces) == whole.pairs
    assert sum(piece.windowed_pairs(window) for piece in pieces) == whole.windowed_pairs(window)
    assert pieces[0].context == tokens == max(piece.context for piece in pieces)
    assert max(piece.pairs for piece in pieces) - min(piece.pairs for piece in pieces) <= 2 * tokens
    for piece in pieces:
        queries = [token for start, end in piece.chunks for token in range(start, end)]
        seen = {key for query in queries for key in range(max(0, query + 1 - (window or tokens)), query + 1)}
        assert len(queries) == piece.queries
        if window is not None:
            assert piece.windowed_context(window) == len(seen)
        assert piece.of_prompt
