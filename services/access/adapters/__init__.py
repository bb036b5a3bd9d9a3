"""What the rules of access need of the world: tables, key files, issuers, other services."""
