"""The door to bills."""

from typing import Annotated

from fastapi import Query
from fastapi.responses import Response

from billing.bills.list_bill_detail import ListBillDetail, list_bill_detail
from billing.bills.list_consuming_customers import ListConsumingCustomers, list_consuming_customers
from billing.parts import CurrentParts
from chassis.answers import JsonAnswer
from chassis.clock import Now
from chassis.database import HttpSession
from chassis.identity import CurrentPrincipal
from chassis.routes import Router

router = Router()


@router.get("/v2/bills/subcustomer-bills/res-fee-records")
async def sub_customer_bill_detail(
    query: Annotated[ListBillDetail, Query()],
    principal: CurrentPrincipal,
    session: HttpSession,
    parts: CurrentParts,
    now: Now,
) -> Response:
    """list_sub_customer_bill_detail."""
    return JsonAnswer(await list_bill_detail(session, principal, parts.catalogue, query, now))


@router.post("/v2/bills/subcustomer-bills/res-fee-records/sub-customers/query")
async def consume_sub_customers(
    body: ListConsumingCustomers, principal: CurrentPrincipal, session: HttpSession, now: Now
) -> Response:
    """list_consume_sub_customers."""
    return JsonAnswer(await list_consuming_customers(session, principal, body, now))
