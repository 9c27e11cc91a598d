"""The door to costs: what a month costs, whenever it was paid."""

from typing import Annotated

from fastapi import Header, Query
from fastapi.responses import Response

from billing.costs.list_break_down import ListBreakDown, list_break_down
from billing.costs.list_costs import ListCosts, list_costs
from billing.parts import CurrentParts
from billing.records.names import Names
from chassis.answers import JsonAnswer
from chassis.clock import Now
from chassis.database import HttpSession
from chassis.identity import CurrentPrincipal
from chassis.routes import Router

router = Router()

XLanguage = Annotated[str | None, Header()]


@router.get("/v2/costs/cost-analysed-bills/monthly-breakdown")
async def monthly_break_down(
    query: Annotated[ListBreakDown, Query()],
    principal: CurrentPrincipal,
    session: HttpSession,
    parts: CurrentParts,
    now: Now,
    x_language: XLanguage = None,
) -> Response:
    """list_customer_bills_monthly_break_down."""
    names = Names.told(parts.catalogue, x_language)
    return JsonAnswer(await list_break_down(session, principal, names, query, now))


@router.post("/v4/costs/cost-analysed-bills/query")
async def costs(
    body: ListCosts, principal: CurrentPrincipal, session: HttpSession, now: Now
) -> Response:
    """list_costs."""
    return JsonAnswer(await list_costs(session, principal, body, now))
