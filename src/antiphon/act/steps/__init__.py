"""One file a workflow step."""
