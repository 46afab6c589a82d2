"""Serving: continuous batching of a request stream on copies of a model, steps timed by the platform's simulation."""
