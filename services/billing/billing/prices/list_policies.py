"""What services count for in a month, and whether partners may lower their prices."""

from typing import Any

from billing.prices.catalogue import Catalogue
from wire.types import Cycle, WireQuery

YES, NO = "YES", "NO"


class ListPolicies(WireQuery, operation="list_incentive_discount_policies"):
    """The query of list_incentive_discount_policies; an empty service is one that nobody has."""

    time: Cycle
    service_type_code: str | None = None
    offset: int = 0
    limit: int = 10


def list_policies(catalogue: Catalogue, query: ListPolicies) -> dict[str, Any]:
    """Each service's policy at the month's last second in Beijing; none where none was yet."""
    found = [
        (service, policy)
        for service in catalogue.service_types
        if query.service_type_code in (None, service.code)
        and (policy := catalogue.policy_of(service.code, query.time)) is not None
    ]
    rows = [
        {
            "service_type_code": service.code,
            "service_type_name": service.name,
            "incentive_policy": str(policy.incentive_policy),
            "allow_discount": YES if policy.allow_discount else NO,
        }
        for service, policy in found[query.offset : query.offset + query.limit]
    ]
    return {"total_count": len(found), "policies": rows}
