"""Design space exploration: samplers, executors, result stores. May import system, metrics and everything below."""
