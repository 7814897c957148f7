"""Antiphon: behavioural messaging for API companies, self-hosted, exact and fast."""
