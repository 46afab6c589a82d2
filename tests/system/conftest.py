"""Makes `tiny` importable from every test in this folder."""
