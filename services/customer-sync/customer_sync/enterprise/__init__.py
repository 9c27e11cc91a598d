"""Enterprise masters, their organisation units and their members.

See docs/domain/enterprise.md B.4.
"""
