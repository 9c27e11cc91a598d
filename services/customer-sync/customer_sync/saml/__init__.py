"""Users of a partner's platform, and the accounts that they sign in to.

See docs/domain/customers.md F16.
"""
