"""Makes `strategies` importable from every test below this folder."""
