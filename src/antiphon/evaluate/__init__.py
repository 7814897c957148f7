"""Log to subject state to memberships, with timers."""
