"""Settings of all tests: property tests draw the same examples on every run, whatever the speed of the machine."""

from hypothesis import settings

settings.register_profile("nearbank", deadline=None, derandomize=True, database=None, print_blob=False)
settings.load_profile("nearbank")
