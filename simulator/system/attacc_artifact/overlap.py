"""What AttAcc hides of a decode step: attention beside products and transfers, a part of the FFN on its units."""

from __future__ import annotations

from simulator.config.compat_schema import AttaccArtifact
from simulator.system.attacc_artifact.roofline import GB

QKV_SHARE = 3 / 4
"""Of the products around attention, what is hidden of the first where attention is the shorter."""

Times = dict[str, float]
"""Op kind -> seconds of one block."""


def pipelined(times: Times, heads: int, *, products: bool) -> Times:
    """Attention beside transfers, with ``products`` beside the products around it, too; softmax costs nothing.

    Of what is hidden one head's part of ``heads`` stays.
    """
    exposed = 1 / heads
    qkv, out, moved = times["qkv_proj"], times["out_proj"], times["transfer"]
    attention = times["attention"] + times["softmax"]
    hidden = attention * (1 - exposed)
    if not products:
        moved = moved * exposed if attention > moved else moved - hidden
    elif attention > qkv + out:
        qkv, out = qkv * exposed, out * exposed
        moved = moved * exposed if attention > moved else moved - hidden
    elif qkv + out > moved:
        moved *= exposed
        qkv, out = qkv - hidden * QKV_SHARE, out - hidden * (1 - QKV_SHARE)
    else:
        moved -= hidden
        qkv, out = qkv * exposed, out * exposed
    return {**times, "qkv_proj": qkv, "out_proj": out, "transfer": moved, "softmax": 0.0}


def ffn_share(artifact: AttaccArtifact, batch: int, element_bytes: int, *, by_compute: bool) -> float:
    """The share of a feed-forward product's time that is left when units of the stacks take part."""
    pim, gpu = artifact.pim, artifact.gpu
    limited, unlimited = pim.scale[artifact.level]
    inside = pim.stack_gb_s * (limited if artifact.power_limit else unlimited) * pim.stacks * GB
    if by_compute:
        return gpu.flops_per_s / (gpu.flops_per_s + 2 * inside / element_bytes)
    outside = gpu.memory_gb_s * GB
    return outside / (outside + inside / batch)
