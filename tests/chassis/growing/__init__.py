"""A service that has nothing but a history: a table, and later an index on it."""
