"""A partner takes back a coupon it issued: all that is left of it.

See docs/domain/coupons.md F15.9, docs/domain/worked-examples.md F.8.
"""

from datetime import datetime
from decimal import Decimal

from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit
from chassis.errors import RefusedError
from chassis.identity import Principal
from chassis.tenancy import acted_for
from voucher.copies import Customer, Partner
from voucher.coupons.models import Coupon
from voucher.coupons.return_to_quota import MANUAL, lock_quotas, return_to_quota
from wire.types import WireRequest


class ReclaimPartnerCoupons(WireRequest, operation="reclaim_partner_coupons"):
    """The body; there is no amount: parts cannot be reclaimed."""

    coupon_id: str
    indirect_partner_id: str | None = None


class NotOwnCouponError(RefusedError):
    """No such coupon, or another partner's: the answer is the same."""

    code = "CBC.0150"


class NotResaleError(RefusedError):
    """The API reclaims from resale customers only (docs/domain/coupons.md F15.1)."""

    code = "CBC.99000014"


async def reclaim_partner_coupons(
    session: AsyncSession, principal: Principal, wanted: ReclaimPartnerCoupons, now: datetime
) -> Decimal:
    """The rest goes back to the quota, and is answered; the customer sees the coupon no more.

    Raises:
        NotOwnCouponError: the acted partner issued no such coupon.
        NotResaleError: the customer is no resale customer.
        CouponNotReclaimableError: not usable, or an order holds it.

    """
    partner_id = await acted_for(session, principal, wanted.indirect_partner_id, Partner)
    coupon = await session.get(
        Coupon, wanted.coupon_id, with_for_update=True, populate_existing=True
    )
    if coupon is None or coupon.is_vendors or coupon.partner_id != partner_id:
        raise NotOwnCouponError
    coupon.refuse_unless_reclaimable(now)
    customer = await session.get(Customer, coupon.customer_id)
    if customer is None or not customer.has_resale_type:
        raise NotResaleError
    quotas = await lock_quotas(session, [coupon])
    amount = coupon.balance
    await return_to_quota(session, coupon, quotas, MANUAL, now)
    audit.record(session, principal, "coupon.reclaim", coupon.id, now, amount=str(amount))
    return amount
