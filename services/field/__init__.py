"""A simulated field: controllers of cabinets that speak as real ones do, for tests, benchmarks and demonstrations."""
