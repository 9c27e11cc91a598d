"""Order asks for coupons before it commits a payment (decision 0009)."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from pydantic import Field, field_validator
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import outbox
from chassis.errors import BadFieldError, RefusedError
from chassis.identity import Principal, WrongPrincipalError
from contracts.voucher import VoucherReserved
from voucher.attempts.models import OPEN, Attempt
from voucher.attempts.settle_attempt import release_failed_attempts
from voucher.copies import CustomerCopy
from voucher.coupons.coupon_use import CONTRACT, NO_DISCOUNT, PayLine, pay_lines, refuse_unless_fits
from voucher.coupons.facts import coupon_state
from voucher.coupons.models import Coupon, CouponNotUsableError, Reservation
from voucher.find_customers import lock_customers
from voucher.quotas.models import CASH, DISCOUNT, FLEXI
from wire.money import cut
from wire.types import Id, Number, WireRequest

COUPONS_MAX = 3  # of one payment (docs/domain/coupons.md B.7)
LINES_MAX = 1000
FAILED_ATTEMPTS_MAX = 20  # named in one request
COUPON_TYPE_OF_PAYMENT = {300: DISCOUNT, 301: CASH, 302: FLEXI}  # 303: no stored value cards yet
CHARGE_ORDER = {CASH: 0, FLEXI: 1}  # docs/domain/accounts.md B.10


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
    charging_mode: int | None = None
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


class AttemptClosedError(RefusedError):
    """The attempt's outcome came before, or the attempt asked for other coupons before."""

    code = "CHB.0409"


class CouponsExcludeError(RefusedError):
    """Cash and discount coupons exclude each other."""

    code = "CBC.99003147"


async def reserve_coupons(
    session: AsyncSession, principal: Principal, asked: ReserveCoupons, now: datetime
) -> dict[str, Any]:
    """Lock the coupons for the attempt; asked again, the same answer. Nothing ends it by time.

    Raises:
        AttemptClosedError: the outcome of this attempt is already known.
        CouponNotUsableError, CouponsExcludeError, DiscountConflictError, DiscountTooLowError:
            the rules; nothing is reserved.

    """
    if principal.is_customer and principal.id != asked.customer_id:
        raise WrongPrincipalError
    _refuse_doubles(asked)
    payer = (await lock_customers(session, [asked.customer_id])).get(asked.customer_id)
    if payer is None:  # nobody's, or another partner's by now
        raise CouponNotUsableError("no customer of the partner")
    await release_failed_attempts(session, asked.order_id, asked.failed_attempt_ids, now)
    if not await _open_attempt(session, asked, now):
        return await _known_answer(session, asked)
    coupons = await _lock_coupons(session, asked, payer, now)
    lines = [_pay_line(line) for line in asked.lines]
    for coupon in coupons:
        refuse_unless_fits(coupon.id, coupon.rules, lines)
    reserved = [_reserve(session, asked, coupon, lines, now) for coupon in coupons]
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
    taken = await session.scalar(
        insert(Attempt).values(row).on_conflict_do_nothing().returning(Attempt.id)
    )
    return taken is not None


async def _known_answer(session: AsyncSession, asked: ReserveCoupons) -> dict[str, Any]:
    attempt = await session.get_one(Attempt, asked.attempt_id, with_for_update=True)
    if attempt.state != OPEN:
        raise AttemptClosedError("the attempt is closed")
    if attempt.asked != sorted(coupon.coupon_id for coupon in asked.coupons):
        raise AttemptClosedError("the attempt asked for other coupons")
    found = await session.scalars(
        select(Reservation).where(Reservation.attempt_id == asked.attempt_id)
    )
    return _answer(found.all())


async def _lock_coupons(
    session: AsyncSession, asked: ReserveCoupons, payer: CustomerCopy, now: datetime
) -> list[Coupon]:
    """The customer's usable coupons, in the order they are charged: cash coupons before flexi.

    A coupon pays for its partner's resale customer only, whatever became of its recall.
    """
    found = await session.scalars(
        select(Coupon)
        .where(Coupon.id.in_([coupon.coupon_id for coupon in asked.coupons]))
        .where(Coupon.customer_id == asked.customer_id)
        .order_by(Coupon.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    by_id = {coupon.id: coupon for coupon in found}
    coupons: list[Coupon] = []
    for wanted in asked.coupons:
        coupon = by_id.get(wanted.coupon_id)
        if coupon is None or COUPON_TYPE_OF_PAYMENT.get(wanted.type) != coupon.coupon_type:
            raise CouponNotUsableError(wanted.coupon_id)
        if not payer.is_resale_of(coupon.partner_id):
            raise CouponNotUsableError(wanted.coupon_id)
        coupon.refuse_unless_usable(now)
        coupons.append(coupon)
    _refuse_together([coupon.coupon_type for coupon in coupons])
    return sorted(coupons, key=lambda coupon: CHARGE_ORDER.get(coupon.coupon_type, 2))


def _refuse_together(types: list[int]) -> None:
    """At most one coupon of a type and group in an order; all partner coupons are group 0."""
    if CASH in types and DISCOUNT in types:
        raise CouponsExcludeError
    if len(set(types)) != len(types):
        raise CouponNotUsableError("more than one coupon of a type")


def _pay_line(line: LineAsked) -> PayLine:
    return PayLine(
        product_id=line.product_id,
        service_type_code=line.service_type_code,
        amount=line.amount_after_discount,
        discount_ratio=NO_DISCOUNT if line.discount_ratio is None else line.discount_ratio,
        discount_type=CONTRACT if line.discount_type is None else line.discount_type,
    )


def _reserve(
    session: AsyncSession,
    asked: ReserveCoupons,
    coupon: Coupon,
    lines: list[PayLine],
    now: datetime,
) -> Reservation | None:
    """Lock one coupon; None, and the coupon stays free, when nothing is left for it to pay."""
    amount = pay_lines(coupon.rules, coupon.balance, lines)
    if amount == 0:
        return None
    coupon.reserve(asked.order_id, amount)
    reservation = Reservation(
        attempt_id=asked.attempt_id,
        coupon_id=coupon.id,
        order_id=asked.order_id,
        partner_id=coupon.partner_id,
        distributor_id=coupon.distributor_id,
        coupon_type=coupon.coupon_type,
        amount=amount,
    )
    session.add(reservation)
    about = {"order_id": asked.order_id, "attempt_id": asked.attempt_id, "amount": amount}
    outbox.publish(session, VoucherReserved(**coupon_state(coupon, now), **about))
    return reservation


def _answer(reservations: Sequence[Reservation]) -> dict[str, Any]:
    """Amounts as texts, as everywhere between services."""
    return {
        "coupons": [
            {
                "coupon_id": reservation.coupon_id,
                "coupon_type": reservation.coupon_type,
                "amount": f"{reservation.amount:f}",
            }
            for reservation in reservations
        ]
    }
