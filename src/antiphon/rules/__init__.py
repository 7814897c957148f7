"""What a rule can say and what it means: tree, text, live, history, explain."""
