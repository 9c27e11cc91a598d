"""Give back what was paid for pieces that failed: the system unsubscribes them at once.

See docs/domain/orders.md H.11.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from chassis import outbox
from contracts.order import OrderCreated
from order.orders.facts import order_fact
from order.orders.models import BY_SYSTEM, Order
from order.refunds.make_refund import AskedBy, refund_order, refunds_of, state_refund
from order.refunds.plan_refund import PlannedRefund, means_of
from order.refunds.refund_rules import give_all_back
from order.resources.models import Piece
from order.resources.open_resources import resource_of
from order.resources.paid_periods import coupons_by_line
from order.system import SYSTEM, SYSTEM_NAME

BY_THE_SYSTEM = AskedBy(BY_SYSTEM, SYSTEM, SYSTEM_NAME)


async def give_failed_back(
    session: AsyncSession, order: Order, failed: Sequence[Piece], now: datetime
) -> None:
    """Everything that was paid of the pieces, to where it came from, coupons included.

    No resource is made; what was to be one says only what the order is about. On-demand pieces
    were not paid for, so that nothing of them goes back.
    """
    lines = {line.line_id: line for line in order.lines}
    coupons = await coupons_by_line(session, order)
    planned = []
    for piece in failed:
        uses = coupons.get(piece.line_id, [])
        never_opened = resource_of(order, lines[piece.line_id], piece, uses, now)
        planned += [
            PlannedRefund(
                never_opened, period, give_all_back("provisioning_failed", means_of(period))
            )
            for period in never_opened.periods
        ]
    if not planned:
        return
    unsubscription = refund_order(planned, order.currency, BY_THE_SYSTEM, now)
    refunds = refunds_of(planned, unsubscription, now)
    session.add(unsubscription)
    await session.flush()
    session.add_all(refunds)
    outbox.publish(session, order_fact(OrderCreated, unsubscription, now))
    state_refund(session, unsubscription, refunds, now)
