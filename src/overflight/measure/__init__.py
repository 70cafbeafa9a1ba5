"""Figures of merit over time and cells: coverage, latency."""
