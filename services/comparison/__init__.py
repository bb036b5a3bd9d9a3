"""Comparison: how a home stands among similar ones, while nothing is learnt about any one of them."""
