"""Orders, resources and the payment attempt."""
