"""The rules of who may do what: pure, with storage, time and randomness as arguments."""
