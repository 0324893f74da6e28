"""From the world into Kafka."""
