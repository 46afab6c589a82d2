"""Compiled: which of the two buffers of memory requests is served."""

from __future__ import annotations

from simulator.dram.kernel import state as k
from simulator.dram.kernel.state import Ints, compiled


@compiled("int64(int64[::1], int64[::1])")
def buffer_to_serve(t: Ints, m: Ints) -> int:
    """Evaluate write mode and name the buffer to serve."""
    writes = m[k.N_WRITE] << 20
    if m[k.WRITE_MODE] == 0:
        if writes > t[k.H_WRITES_ON] or m[k.N_READ] == 0:
            m[k.WRITE_MODE] = 1
    elif writes < t[k.H_WRITES_OFF] and m[k.N_READ] > 0:
        m[k.WRITE_MODE] = 0
    return k.WRITE_QUEUE if m[k.WRITE_MODE] else k.READ_QUEUE
