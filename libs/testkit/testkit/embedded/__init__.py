"""PostgreSQL and Kafka from wheels and jars: the same two servers for tests and for `make up`."""
