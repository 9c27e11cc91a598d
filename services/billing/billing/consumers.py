"""What billing acts on."""

from billing.accounts.close_attempt import release_hold
from billing.bills.record_paid_order import record_paid_order
from billing.keep_copies import keep_customer, keep_partner
from chassis.consumers import Consumers
from chassis.database import EventSession
from contracts.customer import CustomerEvent
from contracts.order import OrderPaid, OrderPaymentFailed
from contracts.partner import PartnerEvent

consumers = Consumers("billing")


@consumers.on_each(PartnerEvent)
async def on_partner(event: PartnerEvent, session: EventSession) -> None:
    """Know the partner; open its accounts."""
    await keep_partner(session, event)


@consumers.on_each(CustomerEvent)
async def on_customer(event: CustomerEvent, session: EventSession) -> None:
    """Know the customer; its accounts open with it, its balance returns when resale ends."""
    await keep_customer(session, event)


@consumers.on(OrderPaid)
async def on_order_paid(event: OrderPaid, session: EventSession) -> None:
    """Capture the hold and write the bill lines."""
    await record_paid_order(session, event)


@consumers.on(OrderPaymentFailed)
async def on_order_payment_failed(event: OrderPaymentFailed, session: EventSession) -> None:
    """Release the hold."""
    await release_hold(session, event)
