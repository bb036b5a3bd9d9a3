"""Comparison on top of databases and of the other services."""
