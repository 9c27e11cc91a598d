"""The stated outcome of order or billing ends an attempt: redeemed, or released (decision 0009)."""

from collections.abc import Collection, Mapping
from datetime import datetime
from decimal import Decimal

from sqlalchemy import bindparam, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import outbox
from contracts.voucher import VoucherRedeemed, VoucherReleased
from voucher.attempts.models import CAPTURED, OPEN, RELEASED, Attempt
from voucher.coupons.facts import card_used, of_attempt
from voucher.coupons.models import USED, Coupon, Reservation
from voucher.coupons.return_to_quota import lock_quotas, return_to_quota
from voucher.ledger.post_redemptions import Redemption, post_redemptions

# Made once: each payment asks them.
_ATTEMPT = (
    select(Attempt)
    .where(Attempt.id == bindparam("attempt_id"))
    .with_for_update()
    .execution_options(populate_existing=True)
)
_RESERVED = (
    select(Reservation, Coupon)
    .join(Coupon, Coupon.id == Reservation.coupon_id)
    .where(Reservation.attempt_id == bindparam("attempt_id"))
    .order_by(Reservation.coupon_id)
    .with_for_update(of=Coupon)
    .execution_options(populate_existing=True)
)


class OutcomeContradictsError(Exception):
    """Coupons are said to have paid that were never reserved: a person must look (parked)."""


async def capture_attempt(
    session: AsyncSession,
    attempt_id: str,
    order_id: str,
    customer_id: str,
    paid: Mapping[str, Decimal],
    at: datetime,
) -> None:
    """Redeem what the attempt reserved; `paid` is coupon → amount as order stated it.

    Raises:
        OutcomeContradictsError: order's amounts are not the reserved ones, or another's coupons.

    """
    attempt = await _close(session, attempt_id, order_id, customer_id, CAPTURED, at)
    if not await _is_settled_now(session, attempt, attempt_id, customer_id, paid):
        return
    reservations, coupons = await _lock_reserved(session, attempt_id)
    if {r.coupon_id: r.amount for r in reservations} != dict(paid):
        raise OutcomeContradictsError(f"attempt {attempt_id}: reserved amounts are not {paid}")
    redeemed = []
    for reservation in reservations:
        coupon = coupons[reservation.coupon_id]
        coupon.redeem(order_id, at)
        if not coupon.is_discount:  # no money moves
            redeemed.append(Redemption(coupon.posted_for, coupon.id, reservation.amount))
        if coupon.is_card:
            outbox.publish(session, card_used(coupon, reservation, at))
        else:
            outbox.publish(session, of_attempt(VoucherRedeemed, coupon, reservation, at))
    await post_redemptions(session, redeemed, order_id, at)
    await _recall_what_is_due(session, list(coupons.values()), at)


async def release_attempt(
    session: AsyncSession, attempt_id: str, order_id: str, customer_id: str, at: datetime
) -> None:
    """Free what the attempt reserved, or bar the attempt when it has not reserved yet."""
    if await _close(session, attempt_id, order_id, customer_id, RELEASED, at) is None:
        return
    reservations, coupons = await _lock_reserved(session, attempt_id)
    for reservation in reservations:
        coupon = coupons[reservation.coupon_id]
        coupon.release()
        if not coupon.is_card:
            outbox.publish(session, of_attempt(VoucherReleased, coupon, reservation, at))
    await _recall_what_is_due(session, list(coupons.values()), at)


async def settle_usage(
    session: AsyncSession,
    attempt_id: str,
    customer_id: str,
    paid: Mapping[str, Decimal],
    at: datetime,
) -> None:
    """Redeem what usage was paid with, and free the rest; nothing paid frees all.

    Billing may use less of a coupon than is held: what a charge comes to is known below its locks.

    Raises:
        OutcomeContradictsError: more than was held, or another's coupons.

    """
    state = CAPTURED if paid else RELEASED
    attempt = await _close(session, attempt_id, attempt_id, customer_id, state, at)
    if not await _is_settled_now(session, attempt, attempt_id, customer_id, paid):
        return
    reservations, coupons = await _lock_reserved(session, attempt_id)
    held = {one.coupon_id: one.amount for one in reservations}
    if any(amount > held.get(coupon_id, 0) for coupon_id, amount in paid.items()):
        raise OutcomeContradictsError(f"attempt {attempt_id}: {paid} is more than is held")
    redeemed = []
    for reservation in reservations:
        coupon, amount = coupons[reservation.coupon_id], paid.get(reservation.coupon_id)
        if not amount:
            coupon.release()
            if not coupon.is_card:
                fact = of_attempt(VoucherReleased, coupon, reservation, at)
                outbox.publish(session, fact)
            continue
        reservation.amount = coupon.reserved_amount = amount
        coupon.redeem(attempt_id, at)
        redeemed.append(Redemption(coupon.posted_for, coupon.id, amount))
        if coupon.is_card:
            outbox.publish(session, card_used(coupon, reservation, at))
        else:
            outbox.publish(session, of_attempt(VoucherRedeemed, coupon, reservation, at))
    await post_redemptions(session, redeemed, None, at)
    await _recall_what_is_due(session, list(coupons.values()), at)


async def release_failed_attempts(
    session: AsyncSession, order_id: str, attempt_ids: Collection[str], at: datetime
) -> None:
    """Free what attempts of the order hold that order has stated as failed to the caller.

    The event that states it to everybody follows, and finds them closed. An attempt that was never
    heard of is left to that event.
    """
    if not attempt_ids:
        return
    found = await session.execute(
        select(Attempt.id, Attempt.customer_id)
        .where(Attempt.id.in_(attempt_ids), Attempt.order_id == order_id, Attempt.state == OPEN)
        .order_by(Attempt.id)
    )
    for attempt_id, customer_id in found.all():
        await release_attempt(session, attempt_id, order_id, customer_id, at)


async def _is_settled_now(
    session: AsyncSession,
    attempt: Attempt | None,
    attempt_id: str,
    customer_id: str,
    paid: Mapping[str, Decimal],
) -> bool:
    """Whether this outcome closed the attempt; one that was closed before must agree with it."""
    if attempt is None:
        closed = await session.get_one(Attempt, attempt_id)
        if closed.state == RELEASED and paid:
            raise OutcomeContradictsError(f"attempt {attempt_id} has freed what it reserved")
        return False
    if attempt.customer_id != customer_id:
        raise OutcomeContradictsError(f"attempt {attempt_id}: not the coupons of {customer_id}")
    return True


async def _close(
    session: AsyncSession,
    attempt_id: str,
    order_id: str,
    customer_id: str,
    state: str,
    at: datetime,
) -> Attempt | None:
    """The attempt, locked and now closed; None when it was closed before.

    An attempt never heard of is written down as closed: its reservation, should it still come, is
    refused.
    """
    told = {"attempt_id": attempt_id}
    attempt = (await session.scalars(_ATTEMPT, told)).one_or_none()
    if attempt is None:
        row = {
            "id": attempt_id,
            "order_id": order_id,
            "customer_id": customer_id,
            "state": OPEN,
            "asked": [],
            "opened_at": at,
        }
        await session.execute(insert(Attempt).values(row).on_conflict_do_nothing())
        attempt = (await session.scalars(_ATTEMPT, told)).one()
    if attempt.state != OPEN:
        return None
    attempt.state, attempt.closed_at = state, at
    return attempt


async def _lock_reserved(
    session: AsyncSession, attempt_id: str
) -> tuple[list[Reservation], dict[str, Coupon]]:
    """What the attempt reserved, and the coupons by id, locked in the order of their ids."""
    found = (await session.execute(_RESERVED, {"attempt_id": attempt_id})).all()
    return [one for one, _ in found], {coupon.id: coupon for _, coupon in found}


async def _recall_what_is_due(session: AsyncSession, coupons: list[Coupon], at: datetime) -> None:
    """What was to be recalled while the order held it, and is not used up."""
    due = [c for c in coupons if c.recall_due is not None and c.status != USED]
    quotas = await lock_quotas(session, due)
    for coupon in due:
        assert coupon.recall_due is not None
        await return_to_quota(session, coupon, quotas, coupon.recall_due, at)
