"""A paid order takes the money that was held and becomes lines of the customer's bill."""

from decimal import Decimal
from uuid import NAMESPACE_OID, uuid5

from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts.close_attempt import capture_hold
from billing.accounts.models import ZERO
from billing.bills.models import BillLine
from billing.bills.spread_payment import Payment, spread_payment
from billing.bills.state_line import state_line
from billing.copies import Customer
from chassis import copies
from contracts.order import OrderLine, OrderPaid
from wire.times import beijing_day, cycle_of

# docs/domain/coupons.md B.7
CASH_COUPON, DISCOUNT_COUPON, PRODUCT_COUPON, FLEXI_COUPON = 1, 2, 3, 4
# docs/domain/bills.md B.8: an order's type is its lines' bill type for new, renewal and change.
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
    if not await capture_hold(session, event):
        return
    customer = await copies.find(session, Customer, event.customer_id)
    if customer is None:
        raise UnknownCustomerError(event.customer_id)
    payables = [line.amount_after_discount for line in event.lines]
    parts = spread_payment(_paid(event), payables)
    for line, part in zip(event.lines, parts, strict=True):
        bill_line = _bill_line(event, line, part, customer)
        session.add(bill_line)
        state_line(session, bill_line, event.occurred_at)


def _paid(event: OrderPaid) -> Payment:
    def by(*types: int) -> Decimal:
        return sum((c.amount for c in event.coupons if c.coupon_type in types), ZERO)

    return Payment(
        discount_coupon=by(DISCOUNT_COUPON),
        coupon=by(CASH_COUPON, PRODUCT_COUPON),
        flexi=by(FLEXI_COUPON),
        cash=event.cash_amount,
        credit=event.credit_amount,
    )


def _bill_line(event: OrderPaid, line: OrderLine, part: Payment, customer: Customer) -> BillLine:
    """The order line as it stands on the bill; a discount coupon lowers what is payable."""
    return BillLine(
        line_id=uuid5(NAMESPACE_OID, f"{event.attempt_id}/{line.line_id}").hex,
        customer_id=event.customer_id,
        payer_id=event.paying_agent_id,
        partner_id=event.partner_id,
        distributor_id=event.distributor_id,
        association_type=customer.association_type,
        account_manager_id=customer.account_manager_id,
        site=customer.site,
        currency=event.currency,
        bill_cycle=cycle_of(event.occurred_at),
        bill_date=beijing_day(event.occurred_at),
        bill_type=event.order_type,
        charging_mode=line.charging_mode,
        trade_id=event.order_id,
        order_id=event.order_id,
        order_type=event.order_type,
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
        official_amount=line.official_amount,
        official_discount_amount=line.discount_amount + part.discount_coupon,
        erase_amount=ZERO,
        payment_amount=line.amount_after_discount - part.discount_coupon,
        coupon_amount=part.coupon,
        flexipurchase_coupon_amount=part.flexi,
        cash_amount=part.cash,
        credit_amount=part.credit,
        debt_amount=ZERO,
        writeoff_amount=ZERO,
    )
