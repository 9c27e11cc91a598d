"""What billing acts on."""

from billing.accounts.close_attempt import release_hold
from billing.bills.record_paid_order import record_paid_order
from billing.keep_copies import keep_customer, keep_partner
from chassis.consumers import Consumers
from chassis.database import EventSession
from contracts.customer import (
    CustomerAssociated,
    CustomerAssociationChanged,
    CustomerFrozen,
    CustomerRegistered,
    CustomerUnfrozen,
    CustomerUnlinked,
    CustomerUpdated,
    CustomerVerified,
)
from contracts.order import OrderPaid, OrderPaymentFailed
from contracts.partner import PartnerJoined

consumers = Consumers("billing")


@consumers.on(PartnerJoined)
async def on_partner_joined(event: PartnerJoined, session: EventSession) -> None:
    """Open the partner's accounts."""
    await keep_partner(session, event)


@consumers.on(CustomerRegistered)
async def on_customer_registered(event: CustomerRegistered, session: EventSession) -> None:
    """Open the customer's accounts."""
    await keep_customer(session, event)


@consumers.on(CustomerUpdated)
async def on_customer_updated(event: CustomerUpdated, session: EventSession) -> None:
    """Know its present account manager."""
    await keep_customer(session, event)


@consumers.on(CustomerAssociated)
async def on_customer_associated(event: CustomerAssociated, session: EventSession) -> None:
    """Know whose it is."""
    await keep_customer(session, event)


@consumers.on(CustomerAssociationChanged)
async def on_customer_association_changed(
    event: CustomerAssociationChanged, session: EventSession
) -> None:
    """A switch away from resale returns the balance to the partner."""
    await keep_customer(session, event)


@consumers.on(CustomerFrozen)
async def on_customer_frozen(event: CustomerFrozen, session: EventSession) -> None:
    """Keep the copy's version."""
    await keep_customer(session, event)


@consumers.on(CustomerUnfrozen)
async def on_customer_unfrozen(event: CustomerUnfrozen, session: EventSession) -> None:
    """Keep the copy's version."""
    await keep_customer(session, event)


@consumers.on(CustomerVerified)
async def on_customer_verified(event: CustomerVerified, session: EventSession) -> None:
    """Know its name."""
    await keep_customer(session, event)


@consumers.on(CustomerUnlinked)
async def on_customer_unlinked(event: CustomerUnlinked, session: EventSession) -> None:
    """The balance returns to the partner."""
    await keep_customer(session, event)


@consumers.on(OrderPaid)
async def on_order_paid(event: OrderPaid, session: EventSession) -> None:
    """Capture the hold and write the bill lines."""
    await record_paid_order(session, event)


@consumers.on(OrderPaymentFailed)
async def on_order_payment_failed(event: OrderPaymentFailed, session: EventSession) -> None:
    """Release the hold."""
    await release_hold(session, event)
