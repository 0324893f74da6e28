"""The gateway: takes reports and check-ins over HTTP and puts them on Kafka, or on disk while Kafka is away."""

from producers.gateway.server import serve

__all__ = ["serve"]
