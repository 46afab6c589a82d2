"""Peak figures of shipped platforms as their makers print them, to hold results against; not read by any model.

Platform -> (GB/s of the memory that holds the weights, TFLOP/s of dense 16-bit products) of one device; None where
nobody prints one. Data sheets, whitepapers and product pages that the platforms' own files name; of the Raspberry Pi 5
what two 128-bit pipes of each Cortex-A76 do at 2.4 GHz (Arm's software optimisation guide).
"""

PRINTED: dict[str, tuple[float, float | None]] = {
    "xeon_8488c": (307.2, 118),
    "xeon_8488c_2s": (614.4, 236),
    "m2_ultra_cpu": (800, None),
    "raspberry_pi_5": (17.1, 0.307),
    "snapdragon_8_gen_3_cpu": (77, None),
    "a100_sxm_40g": (1555, 312),
    "a100_sxm_80g": (2039, 312),
    "a100_pcie_80g": (1935, 312),
    "h100_sxm": (3352, 989),
    "h100_pcie": (2039, 756),
    "gh200_96g": (4000, 989),
    "rtx4090": (1008, 330),
    "rtx3090": (936.2, 142),
    "l4": (300, 121),
    "l40s": (864, 362),
    "a6000": (768, 155),
    "jetson_agx_orin_gpu": (204.8, 42.5),
    "m2_ultra_gpu": (800, 54.4),
    "mi210": (1638.4, 181),
    "mi300x": (5325, 1307),
    "u280": (460.8, None),
    "vhk158": (819.2, None),
    "vck190": (25.6, None),
    "kv260": (19.2, None),
    "tpu_v4": (1228.8, 275),
    "tpu_v5e": (819.2, 197),
    "tpu_v5e_8": (819.2, 197),
    "gaudi2": (2460, 432),
    "trainium2": (2900, 667),
    "edge_npu": (77, None),
    "groq_lpu_row": (80_000, 188),
    "groq_lpu_system": (80_000, 188),
    "groq_lpu_system_70b": (80_000, 188),
    "wafer_scale": (21e6 / 6, 15_600 / 6),
    "wafer_scale_4": (21e6 / 6, 15_600 / 6),
    "dgx_h100": (3352, 989),
}
