"""A model over many equal devices: how many do what (`plan`), and what each of them holds (`policies`)."""

from simulator.mapping.parallel import conveyor, megatron, spread_products
from simulator.mapping.parallel.policies import parallel_policies

__all__ = ["conveyor", "megatron", "parallel_policies", "spread_products"]
