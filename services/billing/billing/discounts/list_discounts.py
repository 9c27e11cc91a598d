"""Discounts by keyset pages: all for the administrator, a partner those of its customers."""

from typing import Literal

from pydantic import Field
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.discounts.models import Discount
from billing.discounts.native_answers import DiscountsAnswer, native_discount
from chassis.cursors import cursor_after, keys_after
from chassis.identity import Principal
from wire.types import NativeQuery

LIMIT_MAX = 100
DISCOUNTS = "discounts"


class ListDiscounts(NativeQuery):
    """The query of GET /api/discounts; `after` is the `next` of the page before."""

    customer_id: str | None = None
    discount_type: Literal["0", "1", "2", "3"] | None = None
    after: str | None = None
    limit: int = Field(default=20, ge=1, le=LIMIT_MAX)


async def list_discounts(
    session: AsyncSession, principal: Principal, query: ListDiscounts
) -> DiscountsAnswer:
    """Discounts in the order of their ids, ended ones too; `next` is null on the last page."""
    wanted = select(Discount).order_by(Discount.discount_id).limit(query.limit + 1)
    if principal.is_partner:
        wanted = wanted.where(Discount.partner_id == principal.partner_id)
    if query.customer_id is not None:
        wanted = wanted.where(Discount.customer_id == query.customer_id)
    if query.discount_type is not None:
        wanted = wanted.where(Discount.discount_type == int(query.discount_type))
    if query.after is not None:
        wanted = wanted.where(Discount.discount_id > keys_after(DISCOUNTS, query.after)[0])
    found = (await session.scalars(wanted)).all()
    page = found[: query.limit]
    more = cursor_after(DISCOUNTS, page[-1].discount_id) if len(found) > query.limit else None
    return DiscountsAnswer(discounts=[native_discount(one) for one in page], next=more)
