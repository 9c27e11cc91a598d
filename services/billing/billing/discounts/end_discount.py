"""End a discount before its time."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.discounts.facts import discount_fact
from billing.discounts.models import GRANTED_BY_PARTNER, Discount
from chassis import audit, outbox
from chassis.errors import NotFoundError
from chassis.identity import Principal
from contracts.billing import BillingDiscountEnded


async def end_discount(
    session: AsyncSession, principal: Principal, discount_id: str, now: datetime
) -> Discount:
    """Whoever may grant its kind ends it; orders that it was offered to keep it.

    Raises:
        NotFoundError: no such discount, or not the caller's to end.
        DiscountEndedError: it has ended.

    """
    wanted = select(Discount).where(Discount.discount_id == discount_id).with_for_update()
    if principal.is_administrator:
        wanted = wanted.where(Discount.discount_type != GRANTED_BY_PARTNER)
    else:
        own = Discount.partner_id == principal.partner_id
        wanted = wanted.where(own, Discount.discount_type == GRANTED_BY_PARTNER)
    discount: Discount | None = await session.scalar(wanted)
    if discount is None:
        raise NotFoundError
    discount.end(now)
    outbox.publish(session, discount_fact(BillingDiscountEnded, discount, now))
    about = {"customer_id": discount.customer_id}
    audit.record(session, principal, "discount.end", discount.discount_id, now, **about)
    return discount
