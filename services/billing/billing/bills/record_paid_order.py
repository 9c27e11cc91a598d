"""A paid order takes the money that was held and becomes lines of the customer's bill."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import NAMESPACE_OID, uuid5

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts.close_attempt import capture_hold
from billing.accounts.dated_credit import note_lines
from billing.accounts.models import ZERO
from billing.bills.spread_payment import Payment, spread_payment, sum_payments
from billing.copies import Customer
from billing.cycles.find_cycle import cycles_taking
from billing.lines.facts import line_recorded
from billing.lines.models import BillLine
from billing.lines.roll_up import Main, Part, find_mains, rolled_up
from billing.prices.rate import PRICE_PLACES
from chassis import copies, outbox
from chassis.move_clock import business_now
from contracts.order import OrderLine, OrderPaid
from wire.money import cut
from wire.times import add_months, beijing_day, cycle_of
from wire.vocabulary import CouponType

CASH_COUPON, DISCOUNT_COUPON = CouponType.CASH, CouponType.DISCOUNT
PRODUCT_COUPON, FLEXI_COUPON = CouponType.PRODUCT, CouponType.FLEXI
STORED_CARD = CouponType.STORED_CARD
# docs/domain/resources.md H.10: the bill type of what an order of each type charges.
BILL_TYPE_OF_ORDER_TYPE = {1: 1, 2: 2, 3: 3, 11: 1, 13: 1, 14: 1, 15: 9}
BY_SYSTEM = 8  # source type of what the system orders by itself
RENEWAL, AUTOMATIC_RENEWAL = 2, 8  # bill types
MONTHS_OF_ORDER_PERIOD: dict[int | None, int] = {2: 1, 3: 12}
LENGTH_OF_ORDER_PERIOD: dict[int | None, timedelta] = {
    0: timedelta(days=1), 1: timedelta(weeks=1), 4: timedelta(hours=1),
}  # fmt: skip
DISCOUNT_COUPON_PROMOTION = 300
SIMPLY_PRICED = (1, 2)  # order types: new, renewal
ONE_TIME = 5  # period type of orders
# docs/domain/orders.md B.5: the type on a bill of each type of discount that an order carries.
PROMOTION_OF_DISCOUNT = {0: 700, 1: 606, 2: 605, 3: 607, 609: 609}
BILL_PERIOD_OF_ORDER_PERIOD: dict[int | None, int] = {0: 24, 2: 20, 3: 19, 4: 25, 5: 5}


class UnknownCustomerError(Exception):
    """An order of a customer that no event has named: a person must look at it."""


async def record_paid_order(session: AsyncSession, event: OrderPaid) -> None:
    """Capture the attempt's hold and write one bill line for each order line; once per attempt.

    The lines are the customer's also when its enterprise master paid them: who consumed is one
    thing, whose account was charged another.

    Raises:
        HoldMismatchError, UnknownCustomerError, ValueError: the event cannot be true; it is parked.

    """
    credits = await capture_hold(session, event)
    if credits is None:
        return
    customer = await copies.find(session, Customer, event.customer_id)
    if customer is None:
        raise UnknownCustomerError(event.customer_id)
    heard_at = await session.scalar(select(business_now())) or event.occurred_at
    taking = await cycles_taking(session, [event.occurred_at], None)
    mains = await find_mains(session, _parts_of_instances(event))
    bill_lines = []
    for line, part in zip(event.lines, _parts(event), strict=True):
        bill_line = _bill_line(event, line, part, customer, mains.get(line.line_id))
        bill_line.known_at = heard_at
        if bill_line.bill_cycle not in taking:
            bill_line.come_late(heard_at)
        session.add(bill_line)
        bill_lines.append(bill_line)
        outbox.publish(session, line_recorded(bill_line, event.occurred_at))
    note_lines(session, bill_lines, credits)


def _parts(event: OrderPaid) -> list[Payment]:
    """What paid each line, as the event tells it; one of a release before tells only the sums.

    Raises:
        ValueError: a line's parts are not its payable, or all parts of a kind not the order's.

    """
    payables = [line.amount_after_discount for line in event.lines]
    paid = _paid(event)
    if any(line.cash_amount is None for line in event.lines):
        return spread_payment(paid, payables)
    told = [_told(line) for line in event.lines]
    off = [line.coupon_discount_amount or ZERO for line in event.lines]
    if sum(off, ZERO) != paid.discount_coupon:
        raise ValueError(f"the discount coupon of {event.order_id} does not add up")
    paid = replace(paid, discount_coupon=ZERO)  # it is in the lines' discounts
    if [part.amount for part in told] != payables or sum_payments(told) != paid:
        raise ValueError(f"the lines' parts of {event.order_id} do not add up")
    return told


def _told(line: OrderLine) -> Payment:
    return Payment(
        discount_coupon=ZERO,
        coupon=line.coupon_amount or ZERO,
        flexi=line.flexipurchase_coupon_amount or ZERO,
        card=line.stored_card_amount or ZERO,
        cash=line.cash_amount or ZERO,
        credit=line.credit_amount or ZERO,
    )


def _paid(event: OrderPaid) -> Payment:
    def by(*types: int) -> Decimal:
        return sum((c.amount for c in event.coupons if c.coupon_type in types), ZERO)

    return Payment(
        discount_coupon=by(DISCOUNT_COUPON),
        coupon=by(CASH_COUPON, PRODUCT_COUPON),
        flexi=by(FLEXI_COUPON),
        card=by(STORED_CARD),
        cash=event.cash_amount,
        credit=event.credit_amount,
    )


def _bill_type(event: OrderPaid) -> int:
    """Raises ValueError for a type of order that is not paid."""
    bill_type = BILL_TYPE_OF_ORDER_TYPE.get(event.order_type)
    if bill_type is None:
        raise ValueError(f"no bill type for a paid order of type {event.order_type}")
    if bill_type == RENEWAL and event.source_type == BY_SYSTEM:
        return AUTOMATIC_RENEWAL
    return bill_type


def _period_end(begin_at: datetime, line: OrderLine) -> datetime | None:
    """Where what was paid for ends: reckoned from the payment (docs/domain/bills.md I.6)."""
    count, kind = line.period_num or 0, line.period_type
    if kind in MONTHS_OF_ORDER_PERIOD:
        return add_months(begin_at, MONTHS_OF_ORDER_PERIOD[kind] * count)
    length = LENGTH_OF_ORDER_PERIOD.get(kind)
    return begin_at + length * count if length and count else None


def _unit_price(event: OrderPaid, line: OrderLine) -> Decimal | None:
    """The price of one period of one unit of size, where the list price is so many of them."""
    if event.order_type not in SIMPLY_PRICED or line.quantity != 1:
        return None
    periods = line.period_num if line.period_type != ONE_TIME else 1
    units = (periods or 0) * (line.measure_size or 1)
    if not units:
        return None
    price = cut(line.official_amount / units, PRICE_PLACES)
    return price if price * units == line.official_amount else None


def _promotions(line: OrderLine, part: Payment) -> str | None:
    """The types of the discounts that the line carries, as bills name them."""
    types = []
    if line.coupon_discount_amount or part.discount_coupon:
        types.append(DISCOUNT_COUPON_PROMOTION)
    if line.granted_discount_amount and line.discount_type is not None:
        types.append(PROMOTION_OF_DISCOUNT.get(line.discount_type, line.discount_type))
    return ",".join(str(kind) for kind in sorted(types)) or None


def _parts_of_instances(event: OrderPaid) -> dict[str, Part]:
    """Lines about a resource that there is; a new one is none yet, and stands as itself."""
    return {
        line.line_id: Part(event.customer_id, line.resource_id, line.resource_type_code)
        for line in event.lines
        if line.resource_id is not None
    }


def _bill_line(
    event: OrderPaid, line: OrderLine, part: Payment, customer: Customer, main: Main | None
) -> BillLine:
    """The order line as it stands on the bill; a discount coupon is in its discount."""
    values = dict(
        line_id=uuid5(NAMESPACE_OID, f"{event.attempt_id}/{line.line_id}").hex,
        customer_id=event.customer_id,
        payer_id=event.paying_partner_id or event.paying_agent_id,
        partner_id=event.partner_id,
        distributor_id=event.distributor_id,
        association_type=customer.association_type,
        account_manager_id=customer.account_manager_id,
        site=customer.site,
        currency=event.currency,
        bill_cycle=cycle_of(event.occurred_at),
        bill_date=beijing_day(event.occurred_at),
        bill_type=_bill_type(event),
        charging_mode=line.charging_mode,
        trade_id=event.order_id,
        order_id=event.order_id,
        order_type=event.order_type,
        order_line_id=line.line_id,
        relative_order_id=line.member_order_id,
        resource_id=line.resource_id,
        resource_name=None,
        customer_label=customer.label,
        service_type_code=line.service_type_code,
        service_type_name=line.service_type_name,
        resource_type_code=line.resource_type_code,
        resource_type_name=line.resource_type_name,
        resource_spec_code=line.resource_spec_code,
        product_id=line.product_id,
        region_code=line.region_code,
        trade_time=event.occurred_at,
        consume_time=event.paid_at or event.occurred_at,
        period_type=BILL_PERIOD_OF_ORDER_PERIOD.get(line.period_type),
        period_num=line.period_num,
        period_begin_at=event.occurred_at,
        period_end_at=_period_end(event.occurred_at, line),
        spec_size=line.measure_size,
        unit_price=_unit_price(event, line),
        promotion_type=_promotions(line, part),
        official_amount=line.official_amount,
        official_discount_amount=line.discount_amount + part.discount_coupon,
        erase_amount=ZERO,
        payment_amount=line.amount_after_discount - part.discount_coupon,
        coupon_amount=part.coupon,
        flexipurchase_coupon_amount=part.flexi,
        stored_value_card_amount=part.card,
        bonus_amount=ZERO,
        cash_amount=part.cash,
        credit_amount=part.credit,
        debt_amount=ZERO,
        writeoff_amount=ZERO,
        version=1,
    )
    return BillLine(**rolled_up(values, main))
