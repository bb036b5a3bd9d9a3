"""Typed clients of the services, what an integrator installs: deadlines, retries, pages, columns; they return their own frozen types."""
