"""Wire operations that no service answers yet: the gateway says 501 CHB.0003.

A test asks the services which routes they have: a new one is struck out here. It only shrinks.
"""

NOT_YET: frozenset[str] = frozenset()
