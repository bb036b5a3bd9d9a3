"""The web façade and its pages; no business rule."""
