"""Messages of the metering services to and from its domain."""
