"""A refund gives coupons back what they had paid (docs/domain/coupons.md H.17)."""

from collections import defaultdict
from datetime import datetime
from decimal import Decimal

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import outbox
from chassis.crash import crash_point
from contracts.order import CouponUse, OrderRefunded, RefundPart
from voucher.copies import Customer
from voucher.coupons.facts import card_restored, voucher_passed_on, voucher_restored
from voucher.coupons.models import USABLE, USED, Coupon, Restoration
from voucher.coupons.return_to_quota import let_quota_have, lock_quotas
from voucher.ledger.models import Movement, Posting
from voucher.ledger.post_movements import post_restoration, post_return
from voucher.quotas.models import Quota

UNSUBSCRIBED = 5  # operation type, docs/domain/coupons.md B.7


class RestorationContradictsError(Exception):
    """Order gives back more than the coupon paid for that order: a person must look (parked)."""


async def restore_coupons(session: AsyncSession, event: OrderRefunded) -> None:
    """Once for each period and coupon; coupons are locked first, then their quotas.

    A coupon that has ended, or whose holder is no longer that partner's customer, passes the
    amount on to its quota, one of the vendor's to the vendor.

    Raises:
        RestorationContradictsError: nothing is restored.

    """
    uses = [(part, use) for part in event.refunds for use in part.coupons]
    coupons = await _lock_coupons(session, {use.coupon_id for _, use in uses})
    quotas = await lock_quotas(session, list(coupons.values()))
    given: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for part, use in uses:
        coupon = coupons.get(use.coupon_id)
        if coupon is None:
            raise RestorationContradictsError(f"no coupon {use.coupon_id}")
        if await _is_new(session, event, part, use, coupon):
            given[coupon.id, part.base_order_id] += use.amount
    for (coupon_id, base_order_id), amount in sorted(given.items()):
        coupon = coupons[coupon_id]
        await _refuse_more_than_paid(session, coupon, base_order_id)
        await _restore(session, event, coupon, quotas, base_order_id, amount)
    await session.flush()
    crash_point("voucher.restored")


async def _lock_coupons(session: AsyncSession, coupon_ids: set[str]) -> dict[str, Coupon]:
    found = await session.scalars(
        select(Coupon)
        .where(Coupon.id.in_(coupon_ids))
        .order_by(Coupon.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return {coupon.id: coupon for coupon in found}


async def _is_new(
    session: AsyncSession, event: OrderRefunded, part: RefundPart, use: CouponUse, coupon: Coupon
) -> bool:
    row = {
        "refund_id": part.refund_id,
        "coupon_id": use.coupon_id,
        "order_id": event.order_id,
        "base_order_id": part.base_order_id,
        "partner_id": coupon.partner_id,
        "distributor_id": coupon.distributor_id,
        "amount": use.amount,
        "at": event.occurred_at,
    }
    statement = insert(Restoration).values(row).on_conflict_do_nothing()
    return await session.scalar(statement.returning(Restoration.refund_id)) is not None


async def _refuse_more_than_paid(session: AsyncSession, coupon: Coupon, base_order_id: str) -> None:
    paid = await session.scalar(
        select(func.sum(Posting.amount))
        .join(Movement, Movement.id == Posting.movement_id)
        .where(
            Movement.coupon_id == coupon.id,
            Movement.order_id == base_order_id,
            Movement.kind == "redeemed",
            Posting.account_kind == "redeemed",
        )
    )
    restored = await session.scalar(
        select(func.sum(Restoration.amount)).where(
            Restoration.coupon_id == coupon.id, Restoration.base_order_id == base_order_id
        )
    )
    if (restored or 0) > (paid or 0):
        raise RestorationContradictsError(
            f"{coupon.id} paid {paid or 0} for {base_order_id}, {restored} is to go back"
        )


async def _restore(
    session: AsyncSession,
    event: OrderRefunded,
    coupon: Coupon,
    quotas: dict[str, Quota],
    base_order_id: str,
    amount: Decimal,
) -> None:
    now = event.occurred_at
    post_restoration(session, coupon.posted_for, coupon.id, event.order_id, amount, now)
    if await _may_have_it(session, coupon, now):
        coupon.restore(amount)
        if coupon.is_card:
            fact = card_restored(coupon, now, event.order_id, base_order_id, amount, lapsed=False)
            outbox.publish(session, fact)
        else:
            outbox.publish(
                session, voucher_restored(coupon, now, event.order_id, base_order_id, amount)
            )
        return
    coupon.pass_on(amount)
    post_return(session, coupon.posted_for, coupon.id, amount, UNSUBSCRIBED, now)
    quota = await let_quota_have(session, coupon, quotas, amount, UNSUBSCRIBED, now)
    if coupon.is_card:
        fact = card_restored(coupon, now, event.order_id, base_order_id, amount, lapsed=True)
        outbox.publish(session, fact)
    else:
        outbox.publish(
            session, voucher_passed_on(coupon, now, event.order_id, base_order_id, amount, quota)
        )


async def _may_have_it(session: AsyncSession, coupon: Coupon, now: datetime) -> bool:
    if coupon.status not in (USABLE, USED) or coupon.expire_at <= now:
        return False
    if coupon.is_card:
        return True
    if coupon.recall_due is not None:
        return False
    holder = await session.get(Customer, coupon.customer_id)
    return holder is not None and holder.is_resale_of(coupon.partner_id)
