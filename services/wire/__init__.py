"""The shared words of the contract, `multiflux.type` and roles, to and from the vocabulary; knows no service."""
