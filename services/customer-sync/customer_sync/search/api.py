"""The door to the two lists of customers."""

from typing import Annotated

from fastapi import Depends, Response

from chassis.answers import JsonAnswer
from chassis.identity import CurrentPrincipal
from chassis.routes import Router
from chassis.site_body import SiteBody
from customer_sync.parts import CurrentParts
from customer_sync.search.list_older_customers import (
    NO_FILTER,
    ListOlderCustomers,
    list_older_customers,
)
from customer_sync.search.list_sub_customers import (
    ListSubCustomers,
    ListSubCustomersAbroad,
    list_sub_customers,
)

router = Router()
WantedCustomers = Annotated[
    ListSubCustomers, Depends(SiteBody(ListSubCustomers, ListSubCustomersAbroad))
]


@router.post("/v2/partners/sub-customers/query")
async def customers(
    wanted: WantedCustomers, parts: CurrentParts, principal: CurrentPrincipal
) -> Response:
    """list_sub_customers, the hottest read: past SQLAlchemy (benchmarks/wire.py)."""
    page, count = await list_sub_customers(parts.database, principal, wanted)
    return JsonAnswer({"count": count, "customer_infos": page})


@router.post("/v1.0/{partner_id}/partner/customer-mgr/query")
async def older_customers(
    partner_id: str,
    parts: CurrentParts,
    principal: CurrentPrincipal,
    wanted: ListOlderCustomers = NO_FILTER,
) -> Response:
    """query_customers_old."""
    page, count = await list_older_customers(parts.database, principal, partner_id, wanted)
    return JsonAnswer({"count": count, "customerInfoList": page})
