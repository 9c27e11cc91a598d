"""Kinds of principals, and which of them may call an operation of each class.

A reseller has no wire operations: its API work is its distributor's (docs/domain/partners.md B.1).
"""

from collections.abc import Mapping
from types import MappingProxyType

from wire.operations import Auth

PARTNER_KINDS = frozenset({"solution_provider", "distributor", "reseller", "government"})
CUSTOMER = frozenset({"customer"})
ADMINISTRATOR = frozenset({"administrator"})
ANYBODY = PARTNER_KINDS | CUSTOMER | ADMINISTRATOR
_WIRE_PARTNERS = PARTNER_KINDS - {"reseller"}

KINDS_OF: Mapping[Auth, frozenset[str]] = MappingProxyType(
    {
        Auth.P: _WIRE_PARTNERS,
        Auth.D: frozenset({"distributor"}),
        Auth.C: CUSTOMER,
        Auth.C_STAR: CUSTOMER,
        Auth.E: CUSTOMER,  # whether it is an enterprise master its service knows
        Auth.P_OR_C: _WIRE_PARTNERS | CUSTOMER,
    }
)

# Answered from what is mirrored, with an upstream as authority; nothing else of the wire is.
MIRRORED = frozenset({"list_sub_customers", "query_customers_old"})
