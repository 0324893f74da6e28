"""The schema's history; :mod:`sinks.migrate` runs it."""
