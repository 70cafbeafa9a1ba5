"""Questions answered with the twin: a territory's report."""
