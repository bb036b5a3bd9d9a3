"""What the lighting service stands on."""
