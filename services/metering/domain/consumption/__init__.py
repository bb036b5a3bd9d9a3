"""Turns kept readings into figures: validity, gaps, slots, places, cost; pure, numpy and the standard library only."""
