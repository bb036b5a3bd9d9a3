"""What runs beside the calls of the lighting service."""
