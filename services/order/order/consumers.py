"""The events that order acts on: it keeps copies, and what is left of packages."""

from chassis.consumers import Consumers
from chassis.database import EventSession
from contracts.billing import ArrearsEvent, BillingPackageDeducted
from contracts.customer import AuthorizationEvent, CustomerEvent
from contracts.partner import PartnerEvent
from order.keep_copies import keep_arrears, keep_authorization, keep_customer, keep_partner
from order.packages.note_deduction import note_deduction

consumers = Consumers("order")


@consumers.on_each(CustomerEvent)
async def on_customer(event: CustomerEvent, session: EventSession) -> None:
    """Know the customer; what it has open ends with its association, what it uses follows it."""
    await keep_customer(session, event)


@consumers.on_each(AuthorizationEvent)
async def on_authorization(event: AuthorizationEvent, session: EventSession) -> None:
    """Know whether the partner may order for the customer."""
    await keep_authorization(session, event)


@consumers.on_each(PartnerEvent)
async def on_partner(event: PartnerEvent, session: EventSession) -> None:
    """Know the account, and the distributor above it."""
    await keep_partner(session, event)


@consumers.on(BillingPackageDeducted)
async def on_package_deducted(event: BillingPackageDeducted, session: EventSession) -> None:
    """Know what is left of the package."""
    await note_deduction(session, event)


@consumers.on_each(ArrearsEvent)
async def on_arrears(event: ArrearsEvent, session: EventSession) -> None:
    """Know what the customer owes; what it uses on demand is in grace, and frozen in the end."""
    await keep_arrears(session, event)
