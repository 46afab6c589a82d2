"""What the kernels of the table compute: an op kind and its sizes, read from their names and shapes."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

MATMUL = re.compile(r"M=(\d+),K=(\d+),N=(\d+)")
ROWS = re.compile(r"(\d+)x(\d+)")
FLAT = re.compile(r"(\d+)")
BYTES = re.compile(r"(\d+) B")
PRODUCT = re.compile(r"(?:(\d+)x)?\[(\d+),(\d+)\]x\[\d+,(\d+)\]")
HEADS = re.compile(r"(\d+)x(\d+)x\[1,(\d+)\]x\[\d+,(\d+)\]")
PROMPT = re.compile(r"batch (\d+), seq (\d+)")

ROW_WISE = {"softmax": "softmax", "layernorm": "layernorm", "gelu": "gelu", "allreduce": "allreduce"}
ATTENTION = {"Q_mul_K": "attn_score", "A_mul_V": "attn_context"}
DECODE, PREFILL = " decode", " prefill"
FP16_BYTES = 2


@dataclass(frozen=True)
class Kernel:
    """An op ``kind`` on an (outputs, inputs) operand for ``vectors``, ``times`` one after the other."""

    kind: str
    size: tuple[int, int]
    vectors: int = 1
    times: int = 1


def shape_of(kernel: str, shape: str, decode_shape: str = "") -> Kernel | None:
    """The op that a kernel of the table is; None for one that is not modelled.

    ``decode_shape``: of the same kernel of a layer in decode, which a kernel of its prompt takes its sizes from.
    """
    if kernel == "all-reduce" and (match := BYTES.fullmatch(shape)):
        return Kernel("allreduce", (1, -(-int(match[1]) // FP16_BYTES)))
    if kernel.endswith(PREFILL) and (match := PROMPT.fullmatch(shape)):
        batch, tokens = int(match[1]), int(match[2])
        return _of_prompt(kernel.removesuffix(PREFILL), decode_shape, batch, tokens)
    if kernel.endswith(DECODE):
        return _of_layer(kernel.removesuffix(DECODE), shape)
    if kernel == "matmul" and (match := MATMUL.fullmatch(shape)):
        m, k, n = (int(group) for group in match.groups())
        return Kernel("gemm", (n, k), m)
    return _row_wise(kernel, shape)


def _row_wise(kernel: str, shape: str) -> Kernel | None:
    kind = ROW_WISE.get(kernel.partition("_")[0].lower())
    if kind and (match := ROWS.fullmatch(shape)):
        return Kernel(kind, (int(match[1]), int(match[2])))
    if kind == "gelu" and (match := FLAT.fullmatch(shape)):
        return Kernel(kind, (1, int(match[1])))
    return None


def _of_layer(kernel: str, shape: str) -> Kernel | None:
    attention = ATTENTION.get(kernel)
    if attention and (match := HEADS.fullmatch(shape)):
        batch, heads, k, n = (int(group) for group in match.groups())
        size = (n, k) if attention == "attn_score" else (k, n)
        return Kernel(attention, size, batch * heads)
    if match := PRODUCT.fullmatch(shape):
        times, m, k, n = (int(group or 1) for group in match.groups())
        return Kernel("gemm", (n, k), m, times)
    return _row_wise(kernel, shape)


def _of_prompt(kernel: str, decode_shape: str, batch: int, tokens: int) -> Kernel | None:
    """The decode kernel with all tokens of the prompt as its vectors; attention alone is not modelled."""
    if kernel in ATTENTION:
        return None
    found = _of_layer(kernel, decode_shape)
    if found is None or found.kind == "gemm":
        return found and replace(found, vectors=batch * tokens)
    rows, columns = found.size
    scores = found.kind == "softmax"
    return replace(found, size=(rows * tokens, tokens if scores else columns))
