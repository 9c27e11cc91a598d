"""The door: identity, the wire API, aggregated queries, the ops console."""
