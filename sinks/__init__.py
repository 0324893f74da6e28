"""Out of Kafka: the store and its metrics."""
