"""Arithmetic over named integers, as constraint gaps and latencies are written: ``max(nRTP, 4) + nRP``."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from functools import cache

from simulator.config.nearest import hint

_BINARY: dict[type[ast.operator], Callable[[int, int], int]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.FloorDiv: lambda a, b: a // b,
}
_FUNCTIONS: dict[str, Callable[..., int]] = {"max": max, "min": min}
_ALLOWED = "whole numbers, names, + - * //, max(...), min(...), parentheses"
_MAX_CHARACTERS = 500
MAX_CLOCKS = 2**24
"""The largest value of an expression or a timing: milliseconds at any clock that a DRAM has."""


def evaluate(expression: int | str, names: Mapping[str, int]) -> int:
    """The value of an expression. Raises ValueError that names what is not allowed, or the nearest known name."""
    try:
        if isinstance(expression, int):
            return _value(ast.Constant(expression), names)
        return _value(_parse(expression), names)
    except ZeroDivisionError:
        raise ValueError(f"'{expression}' divides by zero") from None


@cache
def _parse(text: str) -> ast.expr:
    if len(text) > _MAX_CHARACTERS:
        raise ValueError(f"an expression of {len(text)} characters is too long (allowed: {_MAX_CHARACTERS})")
    try:
        return ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise ValueError(f"'{text}' is not an expression (allowed: {_ALLOWED})") from None


def _value(node: ast.expr, names: Mapping[str, int]) -> int:
    value = _unbounded(node, names)
    if abs(value) > MAX_CLOCKS:
        raise ValueError(f"'{ast.unparse(node)}' is too large (allowed: at most {MAX_CLOCKS})")
    return value


def _unbounded(node: ast.expr, names: Mapping[str, int]) -> int:
    match node:
        case ast.Constant(value=int(value)) if not isinstance(value, bool):
            return value
        case ast.Name(id=name):
            if name not in names:
                raise ValueError(f"there is no timing '{name}'{hint(name, names)}")
            return names[name]
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_value(operand, names)
        case ast.BinOp(op=op, left=left, right=right) if type(op) in _BINARY:
            return _BINARY[type(op)](_value(left, names), _value(right, names))
        case ast.Call(func=ast.Name(id=name), args=[_, *_] as args, keywords=[]) if name in _FUNCTIONS:
            return _FUNCTIONS[name](_value(arg, names) for arg in args)
    raise ValueError(f"'{ast.unparse(node)}' is not allowed in an expression (allowed: {_ALLOWED})")
