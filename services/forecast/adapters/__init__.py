"""What the forecast service stands on."""
