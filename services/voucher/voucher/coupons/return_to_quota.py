"""What is left of a coupon goes back to its quota: reclaimed, on unlinking, or expired."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from chassis import outbox
from contracts.voucher import VoucherExpired, VoucherRecalled
from voucher.coupons.facts import coupon_state
from voucher.coupons.models import EXPIRED, RECLAIMED, Coupon
from voucher.coupons.record_operation import record_operation
from voucher.ledger.post_movements import post_return
from voucher.quotas.models import Quota

MANUAL, UNLINKED, EXPIRY, TYPE_SWITCHED = 2, 3, 4, 8  # operation types, docs/domain/coupons.md B.7


async def lock_quotas(session: AsyncSession, coupons: list[Coupon]) -> dict[str, Quota]:
    """The coupons' quotas by id, locked in one order; coupons are always locked before."""
    found: dict[str, Quota] = {}
    for quota_id in sorted({coupon.quota_id for coupon in coupons}):
        found[quota_id] = await session.get_one(
            Quota, quota_id, with_for_update=True, populate_existing=True
        )
    return found


def return_to_quota(
    session: AsyncSession, coupon: Coupon, quota: Quota, operation_type: int, now: datetime
) -> None:
    """End the locked coupon and give the rest of its balance to the locked quota."""
    amount = coupon.give_back(EXPIRED if operation_type == EXPIRY else RECLAIMED, now)
    quota.take_back(amount, now)
    post_return(session, coupon, amount, now)
    record_operation(
        session, quota, operation_type, coupon.customer_id, amount, now,
        coupon_id=coupon.id, remark=coupon.memo,
    )  # fmt: skip
    state = coupon_state(coupon, now) | {"quota_balance": quota.balance, "amount": amount}
    if operation_type == EXPIRY:
        outbox.publish(session, VoucherExpired(**state))
    else:
        outbox.publish(session, VoucherRecalled(**state, operation_type=operation_type))
