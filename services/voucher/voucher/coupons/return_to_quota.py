"""What is left of a coupon goes back to its quota: reclaimed, on unlinking, or expired.

What is left of one of the vendor's goes back to the vendor.
"""

from datetime import datetime
from decimal import Decimal

from sqlalchemy.ext.asyncio import AsyncSession

from chassis import outbox
from voucher.coupons.facts import card_ended, voucher_expired, voucher_recalled
from voucher.coupons.models import EXPIRED, RECLAIMED, Coupon
from voucher.coupons.record_operation import record_operation
from voucher.ledger.post_movements import post_return
from voucher.quotas.models import Quota
from voucher.quotas.take_back import lock_with_parents, take_back

# Operation types, docs/domain/coupons.md B.7.
MANUAL, UNLINKED, EXPIRY = 2, 3, 4
ASSOCIATED_ANEW, TYPE_SWITCHED, OTHER_RESELLER = 7, 8, 9


async def lock_quotas(session: AsyncSession, coupons: list[Coupon]) -> dict[str, Quota]:
    """The coupons' quotas by id, locked in one order; coupons are always locked before."""
    found = {coupon.quota_id for coupon in coupons if coupon.quota_id is not None}
    return await lock_with_parents(session, found)


async def return_to_quota(
    session: AsyncSession,
    coupon: Coupon,
    quotas: dict[str, Quota],
    operation_type: int,
    now: datetime,
) -> None:
    """End the locked coupon and give the rest of its balance to its quota, one of the locked."""
    amount = coupon.give_back(EXPIRED if operation_type == EXPIRY else RECLAIMED, now)
    post_return(session, coupon.posted_for, coupon.id, amount, operation_type, now)
    quota = await let_quota_have(session, coupon, quotas, amount, operation_type, now)
    if coupon.is_card:
        outbox.publish(session, card_ended(coupon, now, amount))
    elif operation_type == EXPIRY:
        outbox.publish(session, voucher_expired(coupon, now, quota, amount))
    else:
        outbox.publish(session, voucher_recalled(coupon, now, quota, amount, operation_type))


async def let_quota_have(
    session: AsyncSession,
    coupon: Coupon,
    quotas: dict[str, Quota],
    amount: Decimal,
    operation_type: int,
    now: datetime,
) -> Quota | None:
    """What the coupon returned is its quota's, and stands in the partner's record.

    None: the coupon is the vendor's own; the movement says it all, and no partner has a record.
    """
    if coupon.quota_id is None:
        return None
    quota = quotas[coupon.quota_id]
    await take_back(session, quotas, quota, amount, now)
    record_operation(
        session, quota, operation_type, coupon.customer_id, amount, now,
        coupon_id=coupon.id, remark=coupon.memo,
    )  # fmt: skip
    return quota
