"""What coupons would pay of an order, and every rule that was asked; nothing is written."""

from collections.abc import Sequence
from copy import copy
from datetime import datetime
from decimal import Decimal
from typing import Literal

from pydantic import ConfigDict, Field, field_validator
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.copies import until
from chassis.errors import BadFieldError, NotFoundError, RefusedError
from chassis.identity import Principal, WrongPrincipalError
from voucher.attempts.reserve_coupons import COUPONS_MAX, LINES_MAX, in_charge_order
from voucher.copies import Order
from voucher.coupons.coupon_use import NO_DISCOUNT, LinePart, PayLine, use_coupon
from voucher.coupons.list_order_coupons import (
    PENDING_PAYMENT,
    InvalidOrderError,
    MemberOrderError,
    OrderStatusChangedError,
    order_to_pay,
    pay_lines_of,
)
from voucher.coupons.models import Coupon
from voucher.coupons.payment_rules import (
    Check,
    Payment,
    first_broken,
    judge_coupon,
    judge_together,
)
from voucher.coupons.rule_words import rule_text
from voucher.find_customers import find_customers
from voucher.first_orders import mark_first_orders
from wire.native import Money, NativeAnswer
from wire.types import Amount, Id, Number, WireRequest


class DiscountNotOfOrderError(RefusedError):
    """The order does not carry this discount."""

    code = "CBC.99003108"


class LineToJudge(WireRequest):
    """A line that is not ordered yet; `amount_after_discount` is payable after the discount.

    `discount_ratio` is what the discount leaves of the line's price: 0.85 is 15 % off.
    """

    model_config = ConfigDict(extra="forbid")

    line_id: Id
    product_id: Id
    service_type_code: Id
    region_code: Id | None = None
    # 1 purchase, 2 renewal, 3 change, 11 on-demand to period; a limit about what is not told, here
    # and in the two fields below, does not hold
    order_type: Literal[1, 2, 3, 11] | None = None
    charging_mode: Literal[1, 3] | None = None  # 1 period, 3 on-demand
    period_type: Literal[0, 1, 2, 3, 4, 5] | None = None  # 2 month, 3 year, 5 one-time
    amount_after_discount: Amount
    currency: Literal["CNY", "USD"]
    # 0 promotion, 1 contract, 2 commercial, 3 by the partner
    discount_type: Literal[0, 1, 2, 3] | None = None
    discount_ratio: Number | None = None

    @field_validator("discount_ratio")
    @classmethod
    def _is_ratio(cls, value: Decimal | None) -> Decimal | None:
        if value is not None and not 0 < value <= 1:
            raise ValueError("a ratio is above 0 and at most 1")
        return value

    def as_pay_line(self) -> PayLine:
        """As coupons pay it."""
        return PayLine(
            line_id=self.line_id,
            product_id=self.product_id,
            service_type_code=self.service_type_code,
            region_code=self.region_code,
            order_type=self.order_type,
            charging_mode=self.charging_mode,
            period_type=self.period_type,
            amount=self.amount_after_discount,
            discount_ratio=NO_DISCOUNT if self.discount_ratio is None else self.discount_ratio,
            discount_type=self.discount_type,
        )


class ValidateCoupons(WireRequest):
    """The body of `POST /api/coupons/validations`: an order, or lines with their discount.

    `discount_id` is the discount that the order carries, where the caller means to say so; at
    another discount's price the caller sends `lines`.
    """

    model_config = ConfigDict(extra="forbid")

    customer_id: Id
    order_id: Id | None = None
    lines: list[LineToJudge] | None = Field(default=None, min_length=1, max_length=LINES_MAX)
    coupon_ids: list[Id] = Field(min_length=1, max_length=COUPONS_MAX)
    discount_id: Id | None = None


class CheckAnswer(NativeAnswer):
    """A rule, in the language asked for; `code` refuses where it does not hold.

    `found` and `wanted` are the two values compared; null: nothing is asked.
    """

    rule: str
    holds: bool
    code: str
    message: str
    found: str | None
    wanted: str | None


class LinePartAnswer(NativeAnswer):
    """What the coupon would pay of a line, or take off it."""

    line_id: str
    currency: str
    amount: Money


class JudgedCoupon(NativeAnswer):
    """A coupon; `amount` is what it would pay, after those that are charged before it."""

    coupon_id: str
    usable: bool
    code: str | None
    currency: str
    amount: Money
    lines: list[LinePartAnswer]
    checks: list[CheckAnswer]


class CouponValidation(NativeAnswer):
    """`code` is what a payment with these coupons would be refused with; null: it would not."""

    customer_id: str
    order_id: str | None
    usable: bool
    code: str | None
    currency: str
    amount: Money
    coupons: list[JudgedCoupon]
    together: list[CheckAnswer]


class _Bill:
    """The lines to pay, of an order or thought of."""

    def __init__(self, order_id: str | None, currency: str, lines: list[PayLine]):
        self.order_id, self.currency, self.lines = order_id, currency, lines


async def validate_coupons(
    session: AsyncSession,
    principal: Principal,
    wanted: ValidateCoupons,
    now: datetime,
    language: str,
) -> CouponValidation:
    """Judge by the rules of a reservation, all of them.

    Raises:
        WrongPrincipalError: a customer asks about another.
        NotFoundError: no customer of the caller.
        InvalidOrderError, MemberOrderError, OrderStatusChangedError: the order cannot be paid.
        DiscountNotOfOrderError: another discount than the order carries.
        BadFieldError: neither an order nor lines, or both; an id twice; two currencies.

    """
    if principal.is_customer and principal.id != wanted.customer_id:
        raise WrongPrincipalError
    _refuse_bad_fields(wanted)
    known = await find_customers(session, [wanted.customer_id])
    if wanted.customer_id not in known:
        raise NotFoundError
    bill = await _bill(session, wanted)
    coupons = await _coupons(session, wanted)
    if any(coupon.currency != bill.currency for coupon in coupons.values()):
        raise BadFieldError("lines", "not the currency of the coupons")
    await mark_first_orders(
        session, wanted.customer_id, bill.order_id, list(coupons.values()), bill.lines
    )
    payment = Payment(known[wanted.customer_id], bill.lines, now)
    checks = {one: judge_coupon(coupons.get(one), payment) for one in wanted.coupon_ids}
    together = judge_together(list(coupons.values()))
    usable = [coupon for one, coupon in coupons.items() if first_broken(checks[one]) is None]
    parts = _parts(usable, bill.lines, beside=first_broken(together) is None)
    judged = [
        _judged(one, checks[one], parts.get(one, []), bill.currency, language)
        for one in wanted.coupon_ids
    ]
    every = [check for one in wanted.coupon_ids for check in checks[one]] + together
    broken = first_broken(every)
    return CouponValidation(
        customer_id=wanted.customer_id,
        order_id=bill.order_id,
        usable=broken is None,
        code=None if broken is None else broken.code,
        currency=bill.currency,
        amount=sum((one.amount for one in judged), Decimal(0)) if broken is None else Decimal(0),
        coupons=judged,
        together=[_check(check, language) for check in together],
    )


def _refuse_bad_fields(wanted: ValidateCoupons) -> None:
    if (wanted.order_id is None) == (wanted.lines is None):
        raise BadFieldError("order_id", "either an order or lines")
    if wanted.lines is not None and wanted.discount_id is not None:
        raise BadFieldError("discount_id", "lines say their discount themselves")
    if len(set(wanted.coupon_ids)) != len(wanted.coupon_ids):
        raise BadFieldError("coupon_ids", "a coupon is named twice")
    lines = wanted.lines or []
    if len({line.currency for line in lines}) > 1:
        raise BadFieldError("lines", "more than one currency")
    if len({line.line_id for line in lines}) != len(lines):
        raise BadFieldError("lines", "a line is named twice")


async def _bill(session: AsyncSession, wanted: ValidateCoupons) -> _Bill:
    if wanted.lines is not None:
        lines = [line.as_pay_line() for line in wanted.lines]
        return _Bill(None, wanted.lines[0].currency, lines)
    assert wanted.order_id is not None
    order = await _order(session, wanted.customer_id, wanted.order_id.upper())
    if wanted.discount_id not in (None, order.discount_id):
        raise DiscountNotOfOrderError
    return _Bill(order.order_id, order.currency, pay_lines_of(order))


async def _order(session: AsyncSession, customer_id: str, order_id: str) -> Order:
    order = await until(session, lambda asked: order_to_pay(asked, customer_id, order_id))
    if order is None:
        raise InvalidOrderError
    if order.order_id != order_id:
        raise MemberOrderError
    if order.status != PENDING_PAYMENT:
        raise OrderStatusChangedError
    return order


async def _coupons(session: AsyncSession, wanted: ValidateCoupons) -> dict[str, Coupon]:
    """Those that the customer holds and the caller sees, in the order asked for."""
    found = await session.scalars(
        select(Coupon).where(
            Coupon.id.in_(wanted.coupon_ids), Coupon.customer_id == wanted.customer_id
        )
    )
    by_id = {coupon.id: coupon for coupon in found}
    return {one: by_id[one] for one in wanted.coupon_ids if one in by_id}


def _parts(
    coupons: Sequence[Coupon], lines: Sequence[PayLine], *, beside: bool
) -> dict[str, list[LinePart]]:
    """What each pays after those before it; where they do not go together, what it would alone."""
    found = {}
    owed = [copy(line) for line in lines]
    for coupon in in_charge_order(coupons):
        if not beside:
            owed = [copy(line) for line in lines]
        found[coupon.id] = use_coupon(coupon, owed)
    return found


def _judged(
    coupon_id: str,
    checks: Sequence[Check],
    parts: Sequence[LinePart],
    currency: str,
    language: str,
) -> JudgedCoupon:
    broken = first_broken(checks)
    return JudgedCoupon(
        coupon_id=coupon_id,
        usable=broken is None,
        code=None if broken is None else broken.code,
        currency=currency,
        amount=sum((part.amount for part in parts), Decimal(0)),
        lines=[LinePartAnswer.of(part, currency=currency) for part in parts],
        checks=[_check(check, language) for check in checks],
    )


def _check(check: Check, language: str) -> CheckAnswer:
    return CheckAnswer.of(check, message=rule_text(check.rule, language))
