"""What is computed: models, ops with their shapes and bytes, step graphs, scenarios.

May import config, hooks, quantities and errors; never dram, mapping or anything above. networkx only in `graph`.
"""
