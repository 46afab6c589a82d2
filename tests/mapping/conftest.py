"""Makes `arrays` importable from every test in this folder."""
