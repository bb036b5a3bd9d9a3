"""Pure rules of metering."""
