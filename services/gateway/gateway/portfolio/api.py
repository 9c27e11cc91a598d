"""Aggregated queries: `GET /api/customers` and `GET /api/customers/{id}`."""

from typing import Annotated

from fastapi import Query, Response

from chassis.answers import JsonAnswer
from chassis.clock import Now
from chassis.database import HttpSession
from chassis.identity import CurrentPrincipal, Principal, WrongPrincipalError
from chassis.routes import Router
from gateway.portfolio.find_customers import find_customers
from gateway.portfolio.search_conditions import CustomerSearch
from gateway.portfolio.show_customer import show_customer

router = Router(prefix="/api/customers")


def _partner(principal: Principal) -> Principal:
    if not (principal.is_partner or principal.is_administrator):
        raise WrongPrincipalError("the portfolio is the partner's")
    return principal


@router.get("")
async def search(
    session: HttpSession,
    principal: CurrentPrincipal,
    now: Now,
    filters: Annotated[CustomerSearch, Query()],
) -> Response:
    """Customers by any filter, sorted, counted, a page at a time."""
    return JsonAnswer(await find_customers(session, _partner(principal), filters, now))


@router.get("/{customer_id}")
async def show(
    session: HttpSession, principal: CurrentPrincipal, now: Now, customer_id: str
) -> Response:
    """A customer on one page."""
    return JsonAnswer(await show_customer(session, _partner(principal), customer_id, now))
