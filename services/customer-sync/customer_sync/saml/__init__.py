"""Users of a partner's platform, and the accounts that they sign in to (domain.md F16)."""
