"""Python client and middlewares for Antiphon."""
