"""Business time, moved ahead for the whole system (decision 0094)."""
