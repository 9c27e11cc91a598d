"""Freezing of customers, on the international site (domain.md D.4b)."""
