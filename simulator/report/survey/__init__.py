"""The published points of the survey that reports are compared with, and what to mind about each."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

POINTS = Path(__file__).parent / "points.csv"
FAMILIES = {"CPU": "cpu", "GPU": "gpu", "FPGA": "fpga", "ASIC": "asic", "PIM/NDP": "pim"}
POWER_CAVEATS = {
    "likely_TDP": "watts are the TDP, not measured: true tokens/J may be nearly twice as high",
    "unknown": "how the watts were found is not known",
    "reported_or_simulated": "watts as the authors report or simulate them",
    "likely_measured": "watts probably measured",
}
FLAGS = {
    "infeasible_as_dense_7B_>=4bit": "beyond the memory bandwidth of this hardware for a dense 7B model at 4 bits",
    "infeasible_as_dense_7B_>=2bit": "beyond the memory bandwidth of this hardware for a dense 7B model at 2 bits",
}


@dataclass(frozen=True)
class Published:
    """A point that somebody published: batch 1, a model of about 7 billion parameters."""

    id: str
    system: str
    hardware: str
    family: str
    method: str
    model: str
    precision: str
    tokens_per_s: float
    power_w: float
    caveats: tuple[str, ...]
    paper: str
    year: str
    url: str

    @property
    def tokens_per_j(self) -> float:
        """Tokens per joule by the published watts."""
        return self.tokens_per_s / self.power_w


@cache
def published() -> tuple[Published, ...]:
    """All points, in the order of the survey."""
    with POINTS.open(encoding="utf-8", newline="") as file:
        return tuple(_point(row) for row in csv.DictReader(file))


def _point(row: dict[str, str]) -> Published:
    notes = (POWER_CAVEATS[row["power_kind"]], FLAGS.get(row["sanity_flag"], ""), row["note"])
    return Published(
        id=row["id"],
        system=row["system"],
        hardware=row["hardware"],
        family=FAMILIES[row["platform"]],
        method=row["method"].lower(),
        model=f"{row['model']}{'' if row['model_confidence'] == 'confirmed' else ' (inferred)'}",
        precision=row["precision"],
        tokens_per_s=float(row["tokens_per_s"]),
        power_w=float(row["power_w"]),
        caveats=tuple(note for note in notes if note),
        paper=row["paper"],
        year=row["year"],
        url=row["url"],
    )
