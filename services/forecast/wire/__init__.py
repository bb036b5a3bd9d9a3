"""Messages of the forecast contract from and to the domain."""
