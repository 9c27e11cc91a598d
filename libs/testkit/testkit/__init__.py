"""What tests need: a real PostgreSQL, a real Kafka, a running system. Never in an image."""
