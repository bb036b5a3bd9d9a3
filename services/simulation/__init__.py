"""An invented town whose meters behave like real ones: pure functions of seed and time; vocabulary, standard library and numpy only."""
