"""JSON API for the page and for scripts, sign-in, OpenAPI, the built page."""
