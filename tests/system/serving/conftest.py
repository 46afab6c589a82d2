"""Makes `toy` importable from every test in this folder."""
