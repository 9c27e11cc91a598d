"""Aggregated queries: `GET /api/customers` and `GET /api/customers/{id}`."""

from typing import Annotated

from fastapi import Query, Request, Response

from chassis.answers import JsonAnswer
from chassis.clock import Now
from chassis.database import HttpSession
from chassis.etags import etag_of, tagged
from chassis.identity import CurrentPrincipal
from chassis.routes import Router
from gateway.portfolio.find_customers import find_customers
from gateway.portfolio.native_answers import CustomerPage, CustomersAnswer
from gateway.portfolio.search_conditions import CustomerSearch
from gateway.portfolio.show_customer import show_customer

router = Router(prefix="/api/customers")
FRESHNESS = ("as_of",)  # moves although nothing has changed


@router.get("", response_model=CustomersAnswer)
async def search(
    session: HttpSession,
    principal: CurrentPrincipal,
    now: Now,
    filters: Annotated[CustomerSearch, Query()],
) -> Response:
    """Customers by any filter, sorted, counted, a page at a time.

    `as_of` is the instant up to which everything that was sent is in the answer; null: that is not
    known yet. `stale_since` is null, or the instant since which events of one or more customers of
    the portfolio wait for an operator: such a customer may be missing, or be shown or counted
    wrongly. Each customer says so of itself, too. `changed_at` is the newest fact about it.
    """
    found = await find_customers(session, principal, filters, now)
    return JsonAnswer(CustomersAnswer.model_validate(found))


@router.get("/{customer_id}", response_model=CustomerPage)
async def show(
    request: Request,
    session: HttpSession,
    principal: CurrentPrincipal,
    now: Now,
    customer_id: str,
) -> Response:
    """A customer on one page.

    `as_of` is the instant up to which everything that was sent is in the answer; null: that is not
    known yet. `stale_since` is null, or the instant since which events of this customer wait for an
    operator: the answer shows it as it was before. A customer of whom nothing is known for that
    reason is 503 CHB.0503, not 404. `changed_at` is the newest fact about it.

    `If-None-Match` with its ETag is answered 304 while only `as_of` has moved; the same ETag is
    what `If-Match` of `PATCH /api/customers/{id}` takes.
    """
    found = await show_customer(session, principal, customer_id, now)
    shown = CustomerPage.model_validate(found).model_dump()
    return tagged(request, shown, etag_of(shown["version"], shown, but=FRESHNESS))
