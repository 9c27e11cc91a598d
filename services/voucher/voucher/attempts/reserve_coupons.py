"""Order asks for coupons before it commits a payment (decision 0009)."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from pydantic import Field, field_validator
from sqlalchemy import ARRAY, Table, Text, any_, bindparam, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import outbox
from chassis.errors import BadFieldError, RefusedError
from chassis.identity import Principal, WrongPrincipalError
from contracts.order import FAILED_ATTEMPTS_MAX
from contracts.voucher import VoucherReserved
from voucher.attempts.models import OPEN, Attempt
from voucher.attempts.settle_attempt import release_failed_attempts
from voucher.copies import Customer
from voucher.coupons.coupon_use import NO_DISCOUNT, PayLine, use_coupon
from voucher.coupons.facts import of_attempt
from voucher.coupons.models import Coupon, CouponNotUsableError, Reservation
from voucher.coupons.payment_rules import Payment, judge_coupon, judge_together, refuse_broken
from voucher.find_customers import lock_customers
from voucher.first_orders import mark_first_orders
from voucher.quotas.models import CARD, CASH, DISCOUNT, FLEXI
from wire.money import cut
from wire.types import Id, Number, WireRequest
from wire.vocabulary import CouponType, PaymentCouponType

COUPONS_MAX = 3  # of one payment (docs/domain/coupons.md B.7)
LINES_MAX = 1000
COUPON_TYPE_OF_PAYMENT: dict[int, int] = {
    PaymentCouponType.DISCOUNT: CouponType.DISCOUNT,
    PaymentCouponType.CASH: CouponType.CASH,
    PaymentCouponType.FLEXI: CouponType.FLEXI,
    PaymentCouponType.STORED_CARD: CouponType.STORED_CARD,
}
NO_COUPON = 0  # a type of payment that is none
# A discount coupon lowers what the others pay; then as docs/domain/accounts.md B.10 charges them.
CHARGE_ORDER: dict[int, int] = {DISCOUNT: 0, CASH: 1, FLEXI: 2, CARD: 3}

# Made once: each payment asks them.
_ATTEMPT_COLUMNS = ("id", "order_id", "customer_id", "state", "asked", "opened_at")
_ATTEMPTS = Attempt.__table__
assert isinstance(_ATTEMPTS, Table)
_OPEN = (
    insert(_ATTEMPTS)
    .values({name: bindparam(name) for name in _ATTEMPT_COLUMNS})
    .on_conflict_do_nothing()
    .returning(_ATTEMPTS.c.id)
)
_COUPONS = (
    select(Coupon)
    .where(Coupon.id == any_(bindparam("coupon_ids", type_=ARRAY(Text))))
    .where(Coupon.customer_id == bindparam("customer_id"))
    .order_by(Coupon.id)
    .with_for_update()
    .execution_options(populate_existing=True)
)


class CouponAsked(WireRequest):
    """A coupon by its id and its type as pay_orders speaks it."""

    coupon_id: Id
    type: Literal[300, 301, 302, 303]


class LineAsked(WireRequest):
    """A line of the order; the amount is payable after discount, at most 2 decimals."""

    line_id: str
    product_id: str
    service_type_code: str
    region_code: str | None = None
    order_type: int | None = None
    charging_mode: int | None = None
    period_type: int | None = None
    amount_after_discount: Number
    discount_ratio: Number | None = None
    discount_type: int | None = None

    @field_validator("amount_after_discount")
    @classmethod
    def _to_the_cent(cls, value: Decimal) -> Decimal:
        if value < 0 or cut(value, 2) != value:
            raise ValueError("an amount is not negative and has at most 2 decimals")
        return cut(value, 2)


class ReserveCoupons(WireRequest):
    """The body of `POST /internal/reservations`."""

    attempt_id: Id
    order_id: Id
    customer_id: Id
    coupons: list[CouponAsked] = Field(max_length=COUPONS_MAX)
    lines: list[LineAsked] = Field(min_length=1, max_length=LINES_MAX)
    # Earlier attempts of this order that order has closed as failed; the event that states it may
    # still be on its way, and what they hold is free for this one.
    failed_attempt_ids: list[Id] = Field(default_factory=list, max_length=FAILED_ATTEMPTS_MAX)


class ReservationClosedError(RefusedError):
    """The attempt's outcome came before, or the attempt asked for other coupons before."""

    code = "CHB.0409"


async def reserve_coupons(
    session: AsyncSession, principal: Principal, asked: ReserveCoupons, now: datetime
) -> dict[str, Any]:
    """Lock the coupons for the attempt; asked again, the same answer. Nothing ends it by time.

    Raises:
        ReservationClosedError: the outcome of this attempt is already known.
        CouponNotUsableError: a rule of `coupons.payment_rules`; nothing is reserved.

    """
    if principal.is_customer and principal.id != asked.customer_id:
        raise WrongPrincipalError
    _refuse_doubles(asked)
    payer = (await lock_customers(session, [asked.customer_id])).get(asked.customer_id)
    if payer is None:  # nobody's, or another partner's by now
        raise CouponNotUsableError("no customer of the partner", rule="known")
    await release_failed_attempts(session, asked.order_id, asked.failed_attempt_ids, now)
    if not await _open_attempt(session, asked, now):
        return await _known_answer(session, asked)
    lines = [pay_line(line) for line in asked.lines]
    by_partner = principal.acting_for_partner is not None
    payment = Payment(payer, lines, now, by_partner=by_partner)
    coupons = await _lock_coupons(session, asked, payment)
    reserved = [_reserve(session, asked, payer, coupon, lines, now) for coupon in coupons]
    return _answer([reservation for reservation in reserved if reservation is not None])


def _refuse_doubles(asked: ReserveCoupons) -> None:
    if len({coupon.coupon_id for coupon in asked.coupons}) != len(asked.coupons):
        raise BadFieldError("coupons", "a coupon is named twice")


async def _open_attempt(session: AsyncSession, asked: ReserveCoupons, now: datetime) -> bool:
    """True when the attempt was not known yet; waits for a transaction that is writing it."""
    row = {
        "id": asked.attempt_id,
        "order_id": asked.order_id,
        "customer_id": asked.customer_id,
        "state": OPEN,
        "asked": sorted(coupon.coupon_id for coupon in asked.coupons),
        "opened_at": now,
    }
    return await session.scalar(_OPEN, row) is not None


async def _known_answer(session: AsyncSession, asked: ReserveCoupons) -> dict[str, Any]:
    attempt = await session.get_one(Attempt, asked.attempt_id, with_for_update=True)
    if attempt.state != OPEN:
        raise ReservationClosedError("the attempt is closed")
    if attempt.asked != sorted(coupon.coupon_id for coupon in asked.coupons):
        raise ReservationClosedError("the attempt asked for other coupons")
    found = await session.scalars(
        select(Reservation).where(Reservation.attempt_id == asked.attempt_id)
    )
    return _answer(found.all())


async def _lock_coupons(
    session: AsyncSession, asked: ReserveCoupons, payment: Payment
) -> list[Coupon]:
    """The customer's usable coupons, in the order they are charged."""
    named = [coupon.coupon_id for coupon in asked.coupons]
    told = {"coupon_ids": named, "customer_id": asked.customer_id}
    found = await session.scalars(_COUPONS, told)
    by_id = {coupon.id: coupon for coupon in found}
    await mark_first_orders(
        session, asked.customer_id, asked.order_id, list(by_id.values()), payment.lines, alone=True
    )
    coupons: list[Coupon] = []
    for wanted in asked.coupons:
        coupon = by_id.get(wanted.coupon_id)
        coupon_type = COUPON_TYPE_OF_PAYMENT.get(wanted.type, NO_COUPON)
        refuse_broken(wanted.coupon_id, judge_coupon(coupon, payment, coupon_type))
        assert coupon is not None
        coupons.append(coupon)
    refuse_broken("together", judge_together(coupons))
    return in_charge_order(coupons)


def in_charge_order(coupons: Sequence[Coupon]) -> list[Coupon]:
    """Discount coupons, cash, flexi, cards."""
    return sorted(coupons, key=lambda coupon: CHARGE_ORDER[coupon.coupon_type])


def pay_line(line: LineAsked) -> PayLine:
    """The line as coupons pay it."""
    return PayLine(
        line_id=line.line_id,
        product_id=line.product_id,
        service_type_code=line.service_type_code,
        region_code=line.region_code,
        order_type=line.order_type,
        charging_mode=line.charging_mode,
        period_type=line.period_type,
        amount=line.amount_after_discount,
        discount_ratio=NO_DISCOUNT if line.discount_ratio is None else line.discount_ratio,
        discount_type=line.discount_type,
    )


def _reserve(
    session: AsyncSession,
    asked: ReserveCoupons,
    payer: Customer,
    coupon: Coupon,
    lines: list[PayLine],
    now: datetime,
) -> Reservation | None:
    """Lock one coupon; None, and the coupon stays free, when nothing is left for it to pay."""
    parts = use_coupon(coupon, lines)
    if not parts:
        return None
    amount = sum((part.amount for part in parts), Decimal("0.00"))
    coupon.reserve(asked.order_id, amount)
    reservation = Reservation(
        attempt_id=asked.attempt_id,
        coupon_id=coupon.id,
        order_id=asked.order_id,
        partner_id=payer.partner_id,  # as of the coupon, unless it is a card of before
        distributor_id=payer.distributor_id,
        coupon_type=coupon.coupon_type,
        amount=amount,
        lines=[{"amount": f"{part.amount:f}", "line_id": part.line_id} for part in parts],
    )
    session.add(reservation)
    if not coupon.is_card:  # of cards only what moves is stated
        outbox.publish(session, of_attempt(VoucherReserved, coupon, reservation, now))
    return reservation


def _answer(reservations: Sequence[Reservation]) -> dict[str, Any]:
    """Amounts as texts, as everywhere between services."""
    return {
        "coupons": [
            {
                "coupon_id": reservation.coupon_id,
                "coupon_type": reservation.coupon_type,
                "amount": f"{reservation.amount:f}",
                "lines": reservation.lines,
            }
            for reservation in reservations
        ]
    }
