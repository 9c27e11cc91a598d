"""Billing asks what coupons pay of usage before it charges it (decision 0165)."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from pydantic import Field
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import outbox
from contracts.voucher import VoucherReserved
from voucher.attempts.models import OPEN, Attempt
from voucher.attempts.reserve_coupons import (
    CHARGE_ORDER,
    LineAsked,
    ReservationClosedError,
    pay_line,
)
from voucher.attempts.settle_attempt import settle_usage
from voucher.copies import Customer
from voucher.coupons.coupon_use import LinePart, PayLine, pay_lines
from voucher.coupons.facts import of_attempt
from voucher.coupons.models import (
    DEDICATED_GROUP,
    MARKETPLACE_GROUP,
    USABLE,
    Coupon,
    Reservation,
)
from voucher.coupons.payment_rules import (
    Payment,
    first_broken,
    judge_for_usage,
    judge_line,
)
from voucher.find_customers import lock_customers
from voucher.quotas.limits import QuotaLimits
from voucher.quotas.models import CARD, CASH, FLEXI
from wire.types import Amount, Id, WireRequest
from wire.vocabulary import ChargingMode

PAYERS_MAX, LINES_MAX = 4_000, 4_000  # of a batch of billing's
COUPONS_MAX = 100  # of one payer, in the order in which they would be taken
SETTLED_MAX = 20
PAYS_USAGE = (CASH, FLEXI, CARD)


class PaidAsked(WireRequest):
    """What a coupon paid."""

    coupon_id: Id
    amount: Amount


class SettledAsked(WireRequest):
    """An attempt whose outcome billing has committed; it paid with these coupons, or none."""

    attempt_id: Id
    coupons: list[PaidAsked] = Field(max_length=COUPONS_MAX)


class PayerAsked(WireRequest):
    """Whose coupons, and for which charges. A `line_id` is the record's."""

    attempt_id: Id
    customer_id: Id
    lines: list[LineAsked] = Field(min_length=1, max_length=LINES_MAX)
    # Earlier attempts of the payer: the events that tell it may still be on their way, and what
    # those attempts hold and did not use is free for this one.
    settled: list[SettledAsked] = Field(default_factory=list, max_length=SETTLED_MAX)


class ReserveForUsage(WireRequest):
    """The body of `POST /internal/usage-reservations`."""

    payers: list[PayerAsked] = Field(min_length=1, max_length=PAYERS_MAX)


async def reserve_for_usage(
    session: AsyncSession, asked: ReserveForUsage, now: datetime
) -> dict[str, Any]:
    """For each payer what its coupons pay of each charge, held until billing states the outcome.

    Asked again, the same answer. Charged cash, flexi, card; of a kind those first that are limited
    to something, then the one that ends first (docs/domain/coupons.md H.17).

    Raises:
        ReservationClosedError: the outcome of an attempt is already known.

    """
    payers = sorted(asked.payers, key=lambda payer: payer.customer_id)
    customers = await lock_customers(session, [payer.customer_id for payer in payers])
    told = []
    for payer in payers:
        for earlier in payer.settled:
            paid = {one.coupon_id: one.amount for one in earlier.coupons}
            await settle_usage(session, earlier.attempt_id, payer.customer_id, paid, now)
        if await _open_attempt(session, payer, now):
            customer = customers.get(payer.customer_id)
            reserved: Sequence[Reservation]
            reserved = [] if customer is None else await _reserve(session, payer, customer, now)
        else:
            reserved = await _known(session, payer)
        told.append({"attempt_id": payer.attempt_id, "coupons": [_told(one) for one in reserved]})
    return {"payers": told}


async def _open_attempt(session: AsyncSession, payer: PayerAsked, now: datetime) -> bool:
    row = {
        "id": payer.attempt_id,
        "order_id": payer.attempt_id,
        "customer_id": payer.customer_id,
        "state": OPEN,
        "asked": [],
        "opened_at": now,
    }
    taken = await session.scalar(
        insert(Attempt).values(row).on_conflict_do_nothing().returning(Attempt.id)
    )
    return taken is not None


async def _known(session: AsyncSession, payer: PayerAsked) -> Sequence[Reservation]:
    attempt = await session.get_one(Attempt, payer.attempt_id, with_for_update=True)
    if attempt.state != OPEN or attempt.customer_id != payer.customer_id:
        raise ReservationClosedError("the attempt is closed")
    found = await session.scalars(
        select(Reservation).where(Reservation.attempt_id == payer.attempt_id)
    )
    return sorted(found, key=lambda one: (CHARGE_ORDER[one.coupon_type], one.coupon_id))


async def _reserve(
    session: AsyncSession, payer: PayerAsked, customer: Customer, now: datetime
) -> list[Reservation]:
    lines = [pay_line(line) for line in payer.lines]
    for line in lines:
        line.charging_mode = ChargingMode.ON_DEMAND  # as limits ask
    payment = Payment(customer, lines, now)
    reserved: list[Reservation] = []
    groups: set[int] = set()
    for coupon in await _lock(session, payer.customer_id, now):
        both = groups | {coupon.coupon_group}
        if {MARKETPLACE_GROUP, DEDICATED_GROUP} <= both:
            continue
        if first_broken(judge_for_usage(coupon, payment)) is not None:
            continue
        parts = _use(coupon, lines)
        if not parts:
            continue
        groups = both
        reserved.append(_hold(session, payer.attempt_id, customer, coupon, parts, now))
    return reserved


async def _lock(session: AsyncSession, customer_id: str, now: datetime) -> list[Coupon]:
    """Those that may be usable, locked in the order of their ids, in the order of their use."""
    found = await session.scalars(
        select(Coupon)
        .where(
            Coupon.customer_id == customer_id,
            Coupon.status == USABLE,
            Coupon.coupon_type.in_(PAYS_USAGE),
            Coupon.effective_at <= now,
            Coupon.expire_at > now,
            Coupon.lock_order_id.is_(None),
            Coupon.balance > 0,
        )
        .order_by(Coupon.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return sorted(found, key=_order_of_use)[:COUPONS_MAX]


def _order_of_use(coupon: Coupon) -> tuple[int, bool, datetime, str]:
    return (
        CHARGE_ORDER[coupon.coupon_type],
        not coupon.rules.limits_what_it_pays(),
        coupon.expire_at,
        coupon.id,
    )


def _use(coupon: Coupon, lines: Sequence[PayLine]) -> list[LinePart]:
    """What it pays of the charges whose rules allow it; of an order's share there is no limit."""
    rules: QuotaLimits = coupon.rules.model_copy(update={"max_deduction_ratio": None})
    fitting = [line for line in lines if first_broken(judge_line(rules, line)) is None]
    return pay_lines(rules, coupon.balance, fitting)


def _hold(
    session: AsyncSession,
    attempt_id: str,
    payer: Customer,
    coupon: Coupon,
    parts: Sequence[LinePart],
    now: datetime,
) -> Reservation:
    amount = sum((part.amount for part in parts), Decimal("0.00"))
    coupon.reserve(attempt_id, amount)
    reservation = Reservation(
        attempt_id=attempt_id,
        coupon_id=coupon.id,
        order_id=attempt_id,
        partner_id=payer.partner_id,
        distributor_id=payer.distributor_id,
        coupon_type=coupon.coupon_type,
        amount=amount,
        lines=[{"amount": f"{part.amount:f}", "line_id": part.line_id} for part in parts],
    )
    session.add(reservation)
    if not coupon.is_card:
        outbox.publish(session, of_attempt(VoucherReserved, coupon, reservation, now))
    return reservation


def _told(reservation: Reservation) -> Mapping[str, Any]:
    """Amounts as texts, as everywhere between services."""
    return {
        "coupon_id": reservation.coupon_id,
        "coupon_type": reservation.coupon_type,
        "amount": f"{reservation.amount:f}",
        "lines": reservation.lines,
    }
