"""The vendor's API as data: operations, limits, codes, signature, field types."""
