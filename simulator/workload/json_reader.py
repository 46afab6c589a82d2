"""Reads a JSON object and remembers where each of its top-level keys stands."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from simulator.config.paths import display
from simulator.errors import WorkloadError

BLANKS = " \t\r\n"


@dataclass(frozen=True, slots=True)
class JsonObject:
    """The fields of the JSON object in ``file``. ``offsets``: where in ``text`` the value of each key begins.

    ``sha256``: of the file's bytes.
    """

    file: str
    sha256: str
    text: str
    fields: dict[str, Any]
    offsets: dict[str, int]

    def locate(self, key: str) -> tuple[str, int | None, int | None]:
        """File, line and column of a key's value; the start of the file for a key that is absent."""
        return self.file, *position(self.text, self.offsets.get(key, 0))


def position(text: str, offset: int) -> tuple[int, int]:
    """Line and column of an offset, both from 1."""
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)


def read_json_object(path: Path) -> JsonObject:
    """The object in ``path``. Raises WorkloadError if it cannot be read, is no valid JSON, or no object."""
    file = display(path)
    content = _read(path, file)
    try:
        text = content.decode("utf-8-sig")
        fields = json.loads(text, parse_constant=_reject_constant)
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8")
        line, column = position(before, len(before))
        message = f"not UTF-8: byte 0x{content[error.start]:02x} cannot be read"
        raise WorkloadError(message, file=file, line=line, column=column) from error
    except json.JSONDecodeError as error:
        raise WorkloadError(f"not valid JSON: {error.msg}", file=file, line=error.lineno, column=error.colno) from error
    except (ValueError, RecursionError) as error:
        raise WorkloadError(f"not valid JSON: {error}", file=file) from error
    if not isinstance(fields, dict):
        raise WorkloadError("the file does not hold one JSON object", file=file, line=1, column=1)
    return JsonObject(file, hashlib.sha256(content).hexdigest(), text, fields, _offsets(file, text))


def _read(path: Path, file: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise WorkloadError(f"cannot be read: {error.strerror}", file=file) from error


def _reject_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is not a number JSON allows")


def _offsets(file: str, text: str) -> dict[str, int]:
    """Offset of each top-level value of ``text``, which is known to be one valid object."""
    decoder = json.JSONDecoder()
    offsets: dict[str, int] = {}
    at = _skip(text, text.index("{") + 1)
    while text[at] != "}":
        key_at = at
        key, at = decoder.raw_decode(text, at)
        if key in offsets:
            line, column = position(text, key_at)
            raise WorkloadError("appears twice", file=file, line=line, column=column, key=key)
        at = _skip(text, _skip(text, at) + 1)
        offsets[key] = at
        at = _skip(text, decoder.raw_decode(text, at)[1])
        if text[at] == ",":
            at = _skip(text, at + 1)
    return offsets


def _skip(text: str, at: int) -> int:
    while text[at] in BLANKS:
        at += 1
    return at
