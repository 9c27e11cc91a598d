"""The Kafka door: partner accounts, debts and orders arrive as copies."""

from chassis.consumers import Consumers
from chassis.database import EventSession
from contracts.billing import ArrearsEvent
from contracts.order import OrderEvent
from contracts.partner import PartnerEvent
from customer_sync.association.keep_order import keep_order
from customer_sync.customers.take_identity import NAME, take_identity
from customer_sync.keep_copies import keep_arrears, keep_partner

consumers = Consumers("customer_sync")


@consumers.on_each(PartnerEvent)
async def on_partner(event: PartnerEvent, session: EventSession) -> None:
    """Know the account: its kind, standing and the one above it; its login name is taken."""
    await take_identity(session, NAME, event.account_name, 1)
    await keep_partner(session, event)


@consumers.on_each(ArrearsEvent)
async def on_arrears(event: ArrearsEvent, session: EventSession) -> None:
    """Remember what the customer owes."""
    await keep_arrears(session, event)


@consumers.on_each(OrderEvent)
async def on_order(event: OrderEvent, session: EventSession) -> None:
    """Know whether the order still blocks the end of an association."""
    await keep_order(session, event)
