"""Email providers: SMTP and the built-in inbox."""
