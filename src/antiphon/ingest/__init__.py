"""Calls and events come in: validate, redact, append; 2xx only after the commit."""
