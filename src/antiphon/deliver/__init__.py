"""The outbox to the recipient: suppression, render, send, record."""
