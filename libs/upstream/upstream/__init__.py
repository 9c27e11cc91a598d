"""The vendor's API as a client (connected mode)."""
