"""What happened afterwards: history, tracking, reports."""
