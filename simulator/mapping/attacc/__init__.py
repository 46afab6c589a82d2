"""Attention on GEMV units at banks, bank groups or the buffer die of HBM, as AttAcc maps it."""
