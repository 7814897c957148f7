"""Signals to enrollments to steps to the outbox."""
