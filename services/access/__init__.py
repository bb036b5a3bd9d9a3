"""Who may do what: people, roles, grants, occupancy, delegations, consents, audit."""
