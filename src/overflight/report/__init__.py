"""A study as a person reads it: words in English and French, figures, one HTML file."""
