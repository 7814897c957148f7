"""Commands: serve, demo, migrate, link, doctor."""
