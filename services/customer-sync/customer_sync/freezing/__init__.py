"""Freezing of customers, on the international site (docs/domain/international-site.md D.4b)."""
