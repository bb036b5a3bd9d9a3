"""The `multiflux` command: starts the services, and speaks to them for people and scripts."""
