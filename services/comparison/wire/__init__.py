"""Comparison as messages."""
