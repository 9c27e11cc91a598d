"""A change that costs less: carried out at once, and the difference goes back.

See docs/domain/resources.md H.10.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from sqlalchemy.ext.asyncio import AsyncSession

from chassis import outbox
from contracts.order import OrderCreated
from order.approvals import Approvals
from order.changes.planned_change import PlannedChange, values_left
from order.copies import Customer
from order.ordering.trades import PlacedBy, PlannedLine, Priced
from order.orders.facts import order_fact
from order.orders.models import Order
from order.peers import QuotedLine
from order.refunds.make_refund import AskedBy, refund_order, refunds_of, settle_refund
from order.refunds.plan_refund import PlannedRefund, means_of
from order.refunds.refund_rules import give_part_back
from order.resources.facts import resource_changed
from order.resources.product import Product
from wire.money import share
from wire.vocabulary import OrderType


async def give_difference_back(
    session: AsyncSession,
    customer: Customer,
    planned: Sequence[PlannedLine],
    priced: Priced,
    by: PlacedBy,
    now: datetime,
    approvals: Approvals,
) -> Order:
    """The order of type 3, completed or held; the locked resources are another product then."""
    changes = [one for one in planned if isinstance(one, PlannedChange)]
    refunds = []
    for one, quoted in zip(changes, priced.quote.lines, strict=True):
        one.resource.become(_product(one, quoted))
        refunds += _given_back(one, quoted.amount_after_discount)
    asked = AskedBy(by.source_type, by.account, by.login_name)
    order = refund_order(refunds, customer.currency, asked, now)
    order.order_type = OrderType.CHANGE
    rows = refunds_of(refunds, order, now)
    session.add(order)
    await session.flush()
    session.add_all(rows)
    outbox.publish(session, order_fact(OrderCreated, order, now))
    for one in changes:
        one.resource.changed_by(order.order_id, now)
        outbox.publish(session, resource_changed(one.resource, now))
    settle_refund(session, order, rows, now, approvals)
    return order


def _product(change: PlannedChange, quoted: QuotedLine) -> Product:
    return Product(
        product_id=quoted.product_id,
        product_spec_desc=quoted.product_spec_desc,
        resource_spec_code=change.resource_spec_code,
        measure_size=None if quoted.size_measure_id is None else change.measure_size,
        size_measure_id=quoted.size_measure_id,
    )


def _given_back(change: PlannedChange, amount: Decimal) -> list[PlannedRefund]:
    """Of the period, and of what changes cost more: in proportion to what each is worth still."""
    parts = share(amount, values_left(change))
    return [
        PlannedRefund(
            change.resource,
            period,
            give_part_back(part, means_of(period), change.reductions.get(period.period_id, ())),
        )
        for period, part in zip(change.paid, parts, strict=True)
        if part or period is change.paid[0]
    ]
