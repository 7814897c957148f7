"""The only wiring: Settings to objects, roles, start and stop."""
