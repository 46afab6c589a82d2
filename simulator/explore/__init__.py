"""Design space exploration: from the YAML of a sweep to a table of results.

`plan` reads the sweep, `space` and `samplers` choose design points, `points` freezes them, `executors` evaluate them,
`folder` and `journal` keep what came out, `table` and `pareto` present it. May import system, metrics and everything
below; how a point is simulated is handed in from above (`simulator.api`).
"""
