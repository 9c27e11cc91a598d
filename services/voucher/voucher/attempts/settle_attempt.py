"""Order's stated outcome ends an attempt: its coupons are redeemed, or released (decision 0009)."""

from collections.abc import Collection, Mapping
from datetime import datetime
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import outbox
from contracts.voucher import VoucherRedeemed, VoucherReleased
from voucher.attempts.models import CAPTURED, OPEN, RELEASED, Attempt
from voucher.coupons.facts import coupon_state
from voucher.coupons.models import Coupon, Reservation
from voucher.coupons.return_to_quota import lock_quotas, return_to_quota
from voucher.ledger.post_movements import post_redemption


class OutcomeContradictsError(Exception):
    """Order says that coupons paid which it never reserved: a person must look (parked)."""


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
    if attempt is None:
        return
    if attempt.customer_id != customer_id:
        raise OutcomeContradictsError(f"attempt {attempt_id}: not the coupons of {customer_id}")
    reservations = await _reservations(session, attempt_id)
    if {r.coupon_id: r.amount for r in reservations} != dict(paid):
        raise OutcomeContradictsError(f"attempt {attempt_id}: reserved amounts are not {paid}")
    coupons = await _lock(session, reservations)
    for reservation in reservations:
        coupon = coupons[reservation.coupon_id]
        coupon.redeem(order_id, at)
        post_redemption(session, coupon, order_id, reservation.amount, at)
        about = {"order_id": order_id, "attempt_id": attempt_id, "amount": reservation.amount}
        outbox.publish(session, VoucherRedeemed(**coupon_state(coupon, at), **about))
    await _recall_what_is_due(session, list(coupons.values()), at)


async def release_attempt(
    session: AsyncSession, attempt_id: str, order_id: str, customer_id: str, at: datetime
) -> None:
    """Free what the attempt reserved, or bar the attempt when it has not reserved yet."""
    if await _close(session, attempt_id, order_id, customer_id, RELEASED, at) is None:
        return
    reservations = await _reservations(session, attempt_id)
    coupons = await _lock(session, reservations)
    for reservation in reservations:
        coupon = coupons[reservation.coupon_id]
        coupon.release()
        about = {"order_id": order_id, "attempt_id": attempt_id, "amount": reservation.amount}
        outbox.publish(session, VoucherReleased(**coupon_state(coupon, at), **about))
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
    row = {
        "id": attempt_id,
        "order_id": order_id,
        "customer_id": customer_id,
        "state": OPEN,
        "asked": [],
        "opened_at": at,
    }
    await session.execute(insert(Attempt).values(row).on_conflict_do_nothing())
    attempt = await session.get_one(
        Attempt, attempt_id, with_for_update=True, populate_existing=True
    )
    if attempt.state != OPEN:
        return None
    attempt.state, attempt.closed_at = state, at
    return attempt


async def _reservations(session: AsyncSession, attempt_id: str) -> list[Reservation]:
    found = await session.scalars(
        select(Reservation)
        .where(Reservation.attempt_id == attempt_id)
        .order_by(Reservation.coupon_id)
    )
    return list(found.all())


async def _lock(session: AsyncSession, reservations: list[Reservation]) -> dict[str, Coupon]:
    found = await session.scalars(
        select(Coupon)
        .where(Coupon.id.in_([reservation.coupon_id for reservation in reservations]))
        .order_by(Coupon.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return {coupon.id: coupon for coupon in found}


async def _recall_what_is_due(session: AsyncSession, coupons: list[Coupon], at: datetime) -> None:
    """What was to be recalled while the order held it, and has something left."""
    due = [coupon for coupon in coupons if coupon.recall_due is not None and coupon.balance > 0]
    quotas = await lock_quotas(session, due)
    for coupon in due:
        assert coupon.recall_due is not None
        return_to_quota(session, coupon, quotas[coupon.quota_id], coupon.recall_due, at)
