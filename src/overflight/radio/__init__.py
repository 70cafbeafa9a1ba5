"""Radio: what the atmosphere takes from a link, and what the link then carries."""
