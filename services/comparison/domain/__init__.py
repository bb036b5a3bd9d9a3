"""The rules of comparison, pure."""
