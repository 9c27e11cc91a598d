"""Enterprise masters, their organisation units and their members (domain.md B.4)."""
