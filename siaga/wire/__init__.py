"""The one place below the parts that touches Kafka: connections, topics and the registry's tail.

The pure core never imports it (a check keeps it so); ``producers``, ``streams`` and ``sinks`` share it instead of
each having its own.
"""
