"""A model over many equal devices: how many do what (`plan`), and what each of them holds (`policies`)."""

from simulator.mapping.parallel import megatron, spread_products

__all__ = ["megatron", "spread_products"]
