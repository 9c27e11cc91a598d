"""Real-name authentication: a partner applies, the vendor's side decides.

See docs/domain/customers.md B.2.
"""
