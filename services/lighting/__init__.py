"""Street lighting: luminaires, programmes, the plan of every night, and what may change it."""
