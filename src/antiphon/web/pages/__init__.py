"""Pages made by the server, without the single-page application: they work with scripts off."""
