"""The only place that speaks SQL: tables, log, history, one module a noun."""
