"""The notifier: from a page in the database to a message at a provider, and what became of it.

The path is a list of small stages, each in a file named after it; :mod:`sinks.notify.notifier` runs them in order.
"""
