"""The door to discounts: the native API to grant, list and end them."""

from typing import Annotated

from fastapi import Query
from fastapi.responses import Response

from billing.discounts.end_discount import end_discount
from billing.discounts.grant_discount import GrantDiscount, Sold, grant_discount
from billing.discounts.list_discounts import ListDiscounts, list_discounts
from billing.discounts.native_answers import DiscountAnswer, DiscountsAnswer, native_discount
from billing.parts import CurrentParts
from chassis.answers import JsonAnswer
from chassis.clock import Now
from chassis.database import HttpSession
from chassis.idempotency import CurrentIdempotency
from chassis.identity import CurrentPrincipal
from chassis.routes import Router

router = Router()


@router.post("/api/discounts", response_model=DiscountAnswer)
async def grant(
    wanted: GrantDiscount,
    principal: CurrentPrincipal,
    session: HttpSession,
    parts: CurrentParts,
    idempotency: CurrentIdempotency,
    now: Now,
) -> Response:
    """Grant a customer a discount: a partner type 3, the administrator 0, 1 and 2."""
    known = parts.catalogue
    sold = Sold(
        service_type_codes=frozenset(known.service_by_code),
        product_ids=frozenset(known.by_id),
        region_codes=frozenset(known.region_names),
    )
    discount = await grant_discount(session, principal, sold, wanted, now)
    return await idempotency.answer(native_discount(discount))


@router.get("/api/discounts", response_model=DiscountsAnswer)
async def discounts(
    query: Annotated[ListDiscounts, Query()], principal: CurrentPrincipal, session: HttpSession
) -> Response:
    """Discounts; the administrator all, a partner those of its own customers."""
    return JsonAnswer(await list_discounts(session, principal, query))


@router.delete("/api/discounts/{discount_id}")
async def end(
    discount_id: str,
    principal: CurrentPrincipal,
    session: HttpSession,
    idempotency: CurrentIdempotency,
    now: Now,
) -> Response:
    """End a discount before its time; orders that it was offered to keep it."""
    await end_discount(session, principal, discount_id, now)
    return await idempotency.answer(None)
