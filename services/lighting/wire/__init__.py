"""The messages of the lighting service, from and to its domain."""
