"""What the running system publishes of itself: OpenAPI and AsyncAPI."""
