"""Siaga: event-driven incident reporting that secures elections."""

__version__ = "0.1.0"
