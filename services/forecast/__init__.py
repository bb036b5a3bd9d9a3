"""Tells what metering points and places will consume, how surely, and why."""
