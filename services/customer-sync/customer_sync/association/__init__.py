"""The association's life after the account: applications to end or to switch it (domain.md B.3)."""
