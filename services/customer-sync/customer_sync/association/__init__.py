"""The association's life after the account: applications to end or to switch it.

See docs/domain/association.md B.3.
"""
