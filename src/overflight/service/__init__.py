"""Who is to be served and what they ask for: terminals by cell and class, demand over the day, numbers of subscribers."""
