"""Wire operations that no service answers yet: the gateway says 501 CHB.0003.

A test asks the services which routes they have: whoever adds one strikes it here. It only shrinks.
"""

NOT_YET = frozenset(["auto_renewal_resources"])
