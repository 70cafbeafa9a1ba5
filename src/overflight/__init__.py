"""Overflight: an open twin of satellite Internet, seen from the ground."""

from overflight._version import __version__

__all__ = ["__version__"]
