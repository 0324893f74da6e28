"""From Kafka to Kafka: the stream processors (Faust)."""
