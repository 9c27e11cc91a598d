"""The vendor's sets of codes, and what of our own goes with them."""

CURRENCY_OF_SITE = {"china": "CNY", "international": "USD"}
"""Every amount of a site is in its currency (docs/domain/money-and-time.md E)."""
