"""The embedded system: PostgreSQL, Kafka and the six services on one bare machine."""
