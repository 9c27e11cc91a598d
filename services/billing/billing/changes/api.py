"""The door to records of income and expense."""

from typing import Annotated

from fastapi import Query
from fastapi.responses import Response

from billing.changes.list_customer_changes import ListCustomerChanges, list_customer_changes
from billing.changes.list_partner_changes import ListPartnerChanges, list_partner_changes
from chassis.answers import JsonAnswer
from chassis.clock import Now
from chassis.database import HttpSession
from chassis.identity import CurrentPrincipal
from chassis.routes import Router

router = Router()


@router.get("/v2/accounts/partner-accounts/account-change-records")
async def partner_changes(
    query: Annotated[ListPartnerChanges, Query()],
    principal: CurrentPrincipal,
    session: HttpSession,
    now: Now,
) -> Response:
    """list_partner_account_change_records."""
    return JsonAnswer(await list_partner_changes(session, principal, query, now))


@router.get("/v2/accounts/customer-accounts/account-change-records")
async def customer_changes(
    query: Annotated[ListCustomerChanges, Query()],
    principal: CurrentPrincipal,
    session: HttpSession,
    now: Now,
) -> Response:
    """list_customer_account_change_records."""
    return JsonAnswer(await list_customer_changes(session, principal, query, now))
