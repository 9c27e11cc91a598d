"""What voucher acts on."""

from chassis.consumers import Consumers
from chassis.database import EventSession
from contracts.customer import CustomerAssociationChanged, CustomerEvent, CustomerUnlinked
from contracts.order import OrderEvent, OrderPaid, OrderPaymentFailed
from contracts.partner import PartnerEvent
from voucher.attempts.settle_attempt import capture_attempt, release_attempt
from voucher.coupons.recall_customer_coupons import recall_customer_coupons
from voucher.coupons.return_to_quota import TYPE_SWITCHED, UNLINKED
from voucher.keep_copies import keep_customer, keep_order, keep_partner

consumers = Consumers("voucher")


@consumers.on_each(PartnerEvent)
async def on_partner(event: PartnerEvent, session: EventSession) -> None:
    """Know the partner."""
    await keep_partner(session, event)


@consumers.on_each(CustomerEvent)
async def on_customer(event: CustomerEvent, session: EventSession) -> None:
    """Know the customer, and since when coupons may be issued to it."""
    await keep_customer(session, event)


@consumers.on(CustomerAssociationChanged)
async def on_customer_association_changed(
    event: CustomerAssociationChanged, session: EventSession
) -> None:
    """A switch of type takes the coupons back."""
    before = await keep_customer(session, event)
    if before not in (None, event.association_type):
        await recall_customer_coupons(
            session, event.customer_id, event.partner_id, TYPE_SWITCHED, event.occurred_at
        )


@consumers.on(CustomerUnlinked)
async def on_customer_unlinked(event: CustomerUnlinked, session: EventSession) -> None:
    """The end of the association takes the coupons back."""
    if await keep_customer(session, event) is not None:
        await recall_customer_coupons(
            session, event.customer_id, event.partner_id, UNLINKED, event.occurred_at
        )


@consumers.on_each(OrderEvent)
async def on_order(event: OrderEvent, session: EventSession) -> None:
    """Know the order, to say which coupons may pay it."""
    await keep_order(session, event)


@consumers.on(OrderPaid)
async def on_order_paid(event: OrderPaid, session: EventSession) -> None:
    """Capture."""
    await keep_order(session, event)
    paid = {use.coupon_id: use.amount for use in event.coupons}
    payer_id = event.paying_agent_id or event.customer_id
    await capture_attempt(
        session, event.attempt_id, event.order_id, payer_id, paid, event.occurred_at
    )


@consumers.on(OrderPaymentFailed)
async def on_order_payment_failed(event: OrderPaymentFailed, session: EventSession) -> None:
    """Release."""
    await keep_order(session, event)
    payer_id = event.paying_agent_id or event.customer_id
    await release_attempt(session, event.attempt_id, event.order_id, payer_id, event.occurred_at)
