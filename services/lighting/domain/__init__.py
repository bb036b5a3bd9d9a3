"""The rules of lighting."""
