"""Conditions over named values, as sweeps write them: ``memory.channels * 2 <= 64 and workload.model == 'llama2_7b'``.

Arithmetic alone is a number: ``rows * cols``.

Names are dotted. Only what is listed in `ALLOWED` is understood; nothing is ever executed.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from simulator.config.nearest import hint

Value = int | float | str | bool | None

ALLOWED = "numbers, 'text', names, + - * / // %, comparisons, in [...], and, or, not, min(...), max(...), abs(...)"
"""What a condition may be made of, as error messages say it."""

_BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
_COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_FUNCTIONS: dict[str, Callable[..., Any]] = {"min": min, "max": max, "abs": abs}
_WORDS = {"true": True, "false": False, "null": None}
_MAX_CHARACTERS = 500


class Condition:
    """A parsed condition. Raises ValueError for text that is none."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._tree = _parse(text)
        _check(self._tree)

    @property
    def names(self) -> tuple[str, ...]:
        """The names that it reads, each once."""
        return tuple(dict.fromkeys(_names(self._tree)))

    def holds(self, values: Mapping[str, Value]) -> bool:
        """Whether it is true of ``values``. Raises ValueError for an unknown name or values that do not go together."""
        return bool(_value(self._tree, values))

    def excess(self, values: Mapping[str, Value]) -> float:
        """By how much a comparison is broken: 0 or less where it holds. Raises ValueError as `holds` does.

        For ``a <= b`` it is a - b; anything but one comparison of numbers counts as 0 or 1.
        """
        match self._tree:
            case ast.Compare(left=left, ops=[ast.Lt() | ast.LtE()], comparators=[right]):
                return _difference(left, right, values)
            case ast.Compare(left=left, ops=[ast.Gt() | ast.GtE()], comparators=[right]):
                return _difference(right, left, values)
        return 0.0 if self.holds(values) else 1.0


def names_in(text: str) -> tuple[str, ...]:
    """The names that the arithmetic ``text`` reads, each once. Raises ValueError for text that is none."""
    return Condition(text).names


def amount(text: str, values: Mapping[str, Value]) -> float:
    """The number that the arithmetic ``text`` gives of ``values``. Raises ValueError where it gives none."""
    tree = _parse(text)
    _check(tree)
    return float(_arithmetic(operator.add, tree, 0, _value(tree, values)))


def _difference(low: ast.expr, high: ast.expr, values: Mapping[str, Value]) -> float:
    return float(_arithmetic(operator.sub, low, _value(low, values), _value(high, values)))


@cache
def _parse(text: str) -> ast.expr:
    if len(text) > _MAX_CHARACTERS:
        raise ValueError(f"a condition of {len(text)} characters is too long (allowed: {_MAX_CHARACTERS})")
    try:
        return ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise ValueError(f"'{text}' is not a condition (allowed: {ALLOWED})") from None


def dotted_name(node: ast.expr) -> str | None:
    """The dotted name that ``node`` is, if it is one."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        before = dotted_name(node.value)
        return before and f"{before}.{node.attr}"
    return None


def _names(node: ast.expr) -> list[str]:
    name = dotted_name(node)
    if name is not None:
        return [] if name in _WORDS else [name]
    children = node.args if isinstance(node, ast.Call) else ast.iter_child_nodes(node)
    return [name for child in children if isinstance(child, ast.expr) for name in _names(child)]


def _check(node: ast.expr) -> None:
    """Raise ValueError for the first part that is not allowed."""
    match node:
        case ast.Constant(value=int() | float() | str()) | ast.Name():
            return
        case ast.Attribute() if dotted_name(node):
            return
        case ast.UnaryOp(op=ast.USub() | ast.Not(), operand=operand):
            parts = [operand]
        case ast.BinOp(op=op, left=left, right=right) if type(op) in _BINARY:
            parts = [left, right]
        case ast.BoolOp(values=parts):
            pass
        case ast.Compare(left=left, ops=ops, comparators=others) if all(
            _comparable(op, o) for op, o in zip(ops, others, strict=True)
        ):
            parts = [
                left,
                *(part for other in others for part in (other.elts if isinstance(other, ast.List) else [other])),
            ]
        case ast.Call(func=ast.Name(id=name), args=[_, *_] as parts, keywords=[]) if name in _FUNCTIONS:
            pass
        case _:
            raise ValueError(f"'{ast.unparse(node)}' is not allowed in a condition (allowed: {ALLOWED})")
    for part in parts:
        _check(part)


def _comparable(op: ast.cmpop, other: ast.expr) -> bool:
    if isinstance(op, ast.In | ast.NotIn):
        return isinstance(other, ast.List)
    return isinstance(op, ast.Eq | ast.NotEq) or type(op) in _COMPARE


def _value(node: ast.expr, values: Mapping[str, Value]) -> Any:
    name = dotted_name(node)
    if name is not None:
        return _look_up(name, values)
    match node:
        case ast.Constant(value=value):
            return value
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return not _value(operand, values)
        case ast.UnaryOp(operand=operand):
            return _arithmetic(operator.sub, operand, 0, _value(operand, values))
        case ast.BinOp(op=op, left=left, right=right):
            return _arithmetic(_BINARY[type(op)], node, _value(left, values), _value(right, values))
        case ast.BoolOp(op=op, values=parts):
            found = (_value(part, values) for part in parts)
            return all(found) if isinstance(op, ast.And) else any(found)
        case ast.Compare():
            return _compare(node, values)
        case ast.Call(func=ast.Name(id=function), args=args):
            return _call(function, [_value(arg, values) for arg in args], node)
    raise AssertionError(f"unchecked: {ast.dump(node)}")


def _look_up(name: str, values: Mapping[str, Value]) -> Value:
    if name in _WORDS:
        return _WORDS[name]
    if name not in values:
        raise ValueError(f"there is no '{name}'{hint(name, values)}")
    return values[name]


def _compare(node: ast.Compare, values: Mapping[str, Value]) -> bool:
    left = _value(node.left, values)
    for op, other in zip(node.ops, node.comparators, strict=True):
        if isinstance(other, ast.List):
            found = left in [_value(part, values) for part in other.elts]
            return found is isinstance(op, ast.In)
        right = _value(other, values)
        if not _holds(op, left, right, node):
            return False
        left = right
    return True


def _holds(op: ast.cmpop, left: Any, right: Any, node: ast.expr) -> bool:
    if isinstance(op, ast.Eq | ast.NotEq):
        return (left == right) is isinstance(op, ast.Eq)
    try:
        return _COMPARE[type(op)](left, right)
    except TypeError:
        raise ValueError(f"'{ast.unparse(node)}' compares {_shown(left)} with {_shown(right)}") from None


def _arithmetic(calculate: Callable[[Any, Any], Any], node: ast.expr, left: Any, right: Any) -> Any:
    for value in (left, right):
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError(  # noqa: TRY004 - what is wrong is the condition
                f"'{ast.unparse(node)}' needs numbers, not {_shown(value)}"
            )
    try:
        return calculate(left, right)
    except (ZeroDivisionError, OverflowError):
        raise ValueError(f"'{ast.unparse(node)}' divides by zero or is too large") from None


def _call(function: str, args: list[Any], node: ast.expr) -> Any:
    try:
        return abs(*args) if function == "abs" else _FUNCTIONS[function](args)
    except TypeError:
        raise ValueError(f"'{ast.unparse(node)}' cannot be computed of {', '.join(map(_shown, args))}") from None


def _shown(value: Any) -> str:
    return "nothing" if value is None else f"'{value}'"
