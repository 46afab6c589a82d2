"""From a loaded document to a frozen spec; each fault becomes one line with its place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol, TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from simulator.config import dram_checks
from simulator.config.allowed import Allowed
from simulator.config.base_schema import Spec
from simulator.config.faults import faults
from simulator.config.nearest import hint
from simulator.config.tree import Origin, Path, dotted
from simulator.errors import ConfigError, ConfigErrors

S = TypeVar("S", bound=Spec)

__all__ = ["build", "dram_checks", "shown"]

_TYPES = {
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "string": "text",
    "model": "a mapping of keys to values",
    "model_attributes": "a mapping of keys to values",
    "dict": "a mapping of keys to values",
    "mapping": "a mapping of keys to values",
    "tuple": "a list",
    "list": "a list",
}
_TAG_FAULTS = {"union_tag_invalid", "union_tag_not_found"}
"""Faults of the key by which a block says which of several kinds it is."""
_BOUNDS = {"greater_than_equal", "greater_than", "less_than_equal", "less_than"}
_SHOWN_CHARACTERS = 60


class Located(Protocol):
    """A document, as far as validation needs it."""

    @property
    def data(self) -> Any:
        """Plain data."""

    def locate(self, path: Path) -> Origin:
        """Where the value at ``path`` came from."""


def build(document: Located, model: type[S]) -> S:
    """The document as a ``model``, its types and its semantics checked.

    Raises ConfigError, or ConfigErrors with every fault of the document.
    """
    spec = build_by_types(document, model)
    found = [document.locate(fault.path).error(fault.message, dotted(fault.path)) for fault in faults(spec)]
    if found:
        raise _group(found)
    return spec


def build_by_types(document: Located, model: type[S]) -> S:
    """The document as a ``model``, each value checked by itself. Raises as `build` does."""
    try:
        return model.model_validate(_frozen(document.data), strict=True)
    except ValidationError as error:
        allowed = Allowed(model, document.data)
        details = _without_unions(error.errors(include_url=False), document.data)
        raise _group([_fault(document, path, detail, allowed) for path, detail in details]) from None


def _frozen(data: Any) -> Any:
    """Lists as tuples, which is what specs hold."""
    if isinstance(data, dict):
        return {key: _frozen(value) for key, value in data.items()}
    return tuple(_frozen(item) for item in data) if isinstance(data, list) else data


def _group(errors: list[ConfigError]) -> ConfigError:
    return errors[0] if len(errors) == 1 else ConfigErrors(errors)


def _without_unions(details: Iterable[ErrorDetails], data: Any) -> list[tuple[Path, ErrorDetails]]:
    """Each fault with its path in the data; of the alternatives of a union the first fault stands for all.

    Of a number or a list of numbers, a fault within the list is all that is wrong with it.
    """
    found: dict[tuple[str | int, ...], ErrorDetails] = {}
    for detail in details:
        path: list[str | int] = []
        value: Any = data
        *_, last = detail["loc"] or ("",)
        for step in detail["loc"]:
            if _leads_on(value, step):
                path.append(step)
                value = value[step]
            elif detail["type"] == "missing" and step is last:
                path.append(step)
            # Any other step that is not in the data names an alternative of a union.
        if detail["type"] in _TAG_FAULTS:
            path.append(detail["ctx"]["discriminator"].strip("'"))
        found.setdefault(tuple(path), detail)
    above = {path[:length] for path in found for length in range(len(path))}
    return [(path, detail) for path, detail in found.items() if path not in above]


def _leads_on(value: Any, step: str | int) -> bool:
    """Whether ``value`` has something at ``step``."""
    if isinstance(step, int):
        return isinstance(value, list) and step < len(value)
    return isinstance(value, Mapping) and step in value


def _fault(document: Located, path: Path, detail: ErrorDetails, allowed: Allowed) -> ConfigError:
    return document.locate(path).error(_message(path, detail, allowed), dotted(path))


def _message(path: Path, detail: ErrorDetails, allowed: Allowed) -> str:
    kind, value = detail["type"], detail.get("input")
    context: Mapping[str, Any] = detail.get("ctx", {})
    if kind == "extra_forbidden":
        keys = allowed.keys(path[:-1])
        return f"unknown key '{path[-1]}' (allowed: {', '.join(keys) or 'none'}){hint(str(path[-1]), keys)}"
    if kind in {"missing", "union_tag_not_found"}:
        return f"entry {path[-1]} is missing" if isinstance(path[-1], int) else f"the key '{path[-1]}' is missing"
    if kind in {"literal_error", "union_tag_invalid"}:
        return _choice(context.get("tag", value), context.get("expected_tags") or context["expected"])
    if kind in _BOUNDS:
        return f"{shown(value)[1:-1]} is out of range (allowed: {allowed.bounds(path)})"
    if kind == "finite_number":
        return f"{value} is not a finite number"
    if kind in {"too_short", "too_long"}:
        limit = f"at least {context['min_length']}" if kind == "too_short" else f"at most {context['max_length']}"
        return f"{limit} must be given here, not {context['actual_length']}"
    if kind == "value_error":
        return str(context["error"])
    return _wrong_type(path, kind, value, allowed) or detail["msg"]


def _choice(value: Any, expected: str) -> str:
    choices = expected.replace("'", "").replace(" or ", ", ").split(", ")
    near = hint(value, choices) if isinstance(value, str) else ""
    return f"{shown(value)} is not one of the values allowed (allowed: {', '.join(choices)}){near}"


def _wrong_type(path: Path, kind: str, value: Any, allowed: Allowed) -> str | None:
    wanted = _TYPES.get(kind.removesuffix("_type").removesuffix("_parsing"))
    if wanted is None:
        return None
    bounds = allowed.bounds(path)
    return f"{shown(value)} is not {wanted}" + (f" (allowed: {bounds})" if bounds else "")


def shown(value: Any) -> str:
    """A value as messages quote it, cut if it is long."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list"
    text = str(value)
    return f"'{text[:_SHOWN_CHARACTERS]}...'" if len(text) > _SHOWN_CHARACTERS else f"'{text}'"
