"""Places, metering points, readings, consumption and weather."""
