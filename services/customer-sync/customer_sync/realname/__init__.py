"""Real-name authentication: a partner applies, the vendor's side decides (domain.md B.2)."""
