"""Answers questions about consumption: what the registry and the store know of a point or place, made into figures."""
