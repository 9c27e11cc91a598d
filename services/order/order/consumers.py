"""The events that order acts on: it keeps copies of customers, grants and partners."""

from chassis.consumers import Consumers
from chassis.database import EventSession
from contracts.customer import (
    AuthorizationGranted,
    AuthorizationRefused,
    AuthorizationRequested,
    AuthorizationTerminated,
    CustomerAssociated,
    CustomerAssociationChanged,
    CustomerFrozen,
    CustomerRegistered,
    CustomerUnfrozen,
    CustomerUnlinked,
    CustomerUpdated,
    CustomerVerified,
)
from contracts.partner import PartnerJoined
from order.keep_copies import keep_authorization, keep_customer, keep_partner

consumers = Consumers("order")


@consumers.on(CustomerRegistered)
async def on_customer_registered(event: CustomerRegistered, session: EventSession) -> None:
    """An account was made for a customer."""
    await keep_customer(event, session)


@consumers.on(CustomerUpdated)
async def on_customer_updated(event: CustomerUpdated, session: EventSession) -> None:
    """A describing field changed; the version must not be missed."""
    await keep_customer(event, session)


@consumers.on(CustomerAssociated)
async def on_customer_associated(event: CustomerAssociated, session: EventSession) -> None:
    """From now on orders can be placed for it."""
    await keep_customer(event, session)


@consumers.on(CustomerAssociationChanged)
async def on_customer_association_changed(
    event: CustomerAssociationChanged, session: EventSession
) -> None:
    """Resale became referral, or the other way round."""
    await keep_customer(event, session)


@consumers.on(CustomerFrozen)
async def on_customer_frozen(event: CustomerFrozen, session: EventSession) -> None:
    """Nothing can be bought for it."""
    await keep_customer(event, session)


@consumers.on(CustomerUnfrozen)
async def on_customer_unfrozen(event: CustomerUnfrozen, session: EventSession) -> None:
    """It can buy again."""
    await keep_customer(event, session)


@consumers.on(CustomerVerified)
async def on_customer_verified(event: CustomerVerified, session: EventSession) -> None:
    """The version must not be missed."""
    await keep_customer(event, session)


@consumers.on(CustomerUnlinked)
async def on_customer_unlinked(event: CustomerUnlinked, session: EventSession) -> None:
    """Nothing can be ordered for it any more."""
    await keep_customer(event, session)


@consumers.on(AuthorizationRequested)
async def on_authorization_requested(event: AuthorizationRequested, session: EventSession) -> None:
    """Asked, not granted."""
    await keep_authorization(event, session)


@consumers.on(AuthorizationGranted)
async def on_authorization_granted(event: AuthorizationGranted, session: EventSession) -> None:
    """The partner may order for the customer."""
    await keep_authorization(event, session)


@consumers.on(AuthorizationRefused)
async def on_authorization_refused(event: AuthorizationRefused, session: EventSession) -> None:
    """Declined."""
    await keep_authorization(event, session)


@consumers.on(AuthorizationTerminated)
async def on_authorization_terminated(
    event: AuthorizationTerminated, session: EventSession
) -> None:
    """The grant ended."""
    await keep_authorization(event, session)


@consumers.on(PartnerJoined)
async def on_partner_joined(event: PartnerJoined, session: EventSession) -> None:
    """A partner account exists."""
    await keep_partner(event, session)
