"""Names of address mappings: two-letter fields from the most significant bits down, such as ``RoBaBgPcCoCh``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from simulator.config.nearest import hint

FIELD_OF_LEVEL = {
    "channel": "Ch",
    "rank": "Ra",
    "pseudochannel": "Pc",
    "sid": "Si",
    "half": "Ha",
    "bankgroup": "Bg",
    "bank": "Ba",
}
ROW_FIELD = "Ro"
COLUMN_FIELD = "Co"


def mapping_faults(name: str, levels: Sequence[str]) -> Iterator[str]:
    """What is wrong with a mapping for a standard with these levels: it must have the field of each, Ro and Co once."""
    needed = [ROW_FIELD, COLUMN_FIELD, *(FIELD_OF_LEVEL[level] for level in levels if level in FIELD_OF_LEVEL)]
    fields = [name[start : start + 2] for start in range(0, len(name), 2)]
    for level in levels:
        if level not in FIELD_OF_LEVEL:
            yield f"no field of an address stands for the level '{level}'{hint(level, FIELD_OF_LEVEL)}"
    for field in dict.fromkeys(fields):
        if field not in needed:
            allowed = ", ".join(needed)
            yield f"'{field}' in '{name}' is no field of this standard (allowed: {allowed}){hint(field, needed)}"
        elif fields.count(field) > 1:
            yield f"'{field}' occurs more than once in '{name}'"
    missing = [field for field in needed if field not in fields]
    if missing:
        yield f"'{name}' lacks {', '.join(missing)}"
