"""The YAML of a cluster."""

from __future__ import annotations

from pathlib import Path

from simulator.config import paths
from simulator.config.cluster_schema import Dask, SlurmArray
from simulator.config.loader import build, load_document
from simulator.config.nearest import hint

RUNNERS: dict[str, type[SlurmArray | Dask]] = {"slurm_array": SlurmArray, "dask": Dask}
DEFAULT = "slurm_array"


def read_cluster(ref: str | Path) -> SlurmArray | Dask:
    """The cluster in the file ``ref``. Raises ConfigError."""
    document = load_document(paths.find(str(ref)))
    kind = document.root.child("kind")
    if kind is not None and kind.value != "cluster":
        raise kind.origin.error(f"'{document.name}' is a {kind.value}, not a cluster", "kind")
    runner = document.root.child("runner")
    name = DEFAULT if runner is None else runner.plain()
    if name not in RUNNERS:
        where = document.locate(("runner",))
        raise where.error(
            f"there is no runner '{name}' (known: {', '.join(RUNNERS)}){hint(str(name), RUNNERS)}", "runner"
        )
    return build(document, RUNNERS[str(name)])
