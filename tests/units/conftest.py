"""Makes `parts` importable from every test in this folder."""
