"""One file a source: anything that a client sends becomes an Event."""
