"""Which satellite serves which cell in each 15-s slot."""
