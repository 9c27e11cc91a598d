"""The events that order acts on: it keeps copies of customers, grants and partners."""

from chassis.consumers import Consumers
from chassis.database import EventSession
from contracts.customer import AuthorizationEvent, CustomerEvent
from contracts.partner import PartnerEvent
from order.keep_copies import keep_authorization, keep_customer, keep_partner

consumers = Consumers("order")


@consumers.on_each(CustomerEvent)
async def on_customer(event: CustomerEvent, session: EventSession) -> None:
    """Know the customer; what it has open ends with its association."""
    await keep_customer(session, event)


@consumers.on_each(AuthorizationEvent)
async def on_authorization(event: AuthorizationEvent, session: EventSession) -> None:
    """Know whether the partner may order for the customer."""
    await keep_authorization(session, event)


@consumers.on_each(PartnerEvent)
async def on_partner(event: PartnerEvent, session: EventSession) -> None:
    """Know the account, and the distributor above it."""
    await keep_partner(session, event)
