"""The compiled channel engine (the only place that imports Numba). The contract is docs/dram-engine.md.

Compiled code is cached on disk under a name that holds the hash of these sources, because Numba itself notices a change
in the file of a function but not in the files of the functions that it calls.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import numba


def _cache_folder() -> str:
    """Where compiled code is kept: ``NUMBA_CACHE_DIR`` or the user's cache folder, below a hash of the sources."""
    sources = sorted(Path(__file__).parent.glob("*.py"))
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:16]
    given = os.environ.get("NUMBA_CACHE_DIR")
    home = Path(given) if given else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "nearbank"
    return str(home / f"kernel-{digest}")


numba.config.CACHE_DIR = _cache_folder()
