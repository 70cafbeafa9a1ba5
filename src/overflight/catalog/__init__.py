"""Built-in facts, each row with source, date and status, and readers of the public files they come from."""
