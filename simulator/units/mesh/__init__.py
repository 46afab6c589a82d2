"""Meshes of cores that hold weights in their own SRAM and reduce partial sums over their routers."""
