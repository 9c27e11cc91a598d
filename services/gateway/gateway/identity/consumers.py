"""The events identity acts on: who there is, and which grants stand."""

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.consumers import Consumers
from chassis.database import EventSession
from contracts.customer import (
    AuthorizationEvent,
    AuthorizationGranted,
    AuthorizationRefused,
    AuthorizationRequested,
    AuthorizationTerminated,
    CustomerAssociated,
    CustomerAssociationChanged,
    CustomerEvent,
    CustomerFrozen,
    CustomerRegistered,
    CustomerUnfrozen,
    CustomerUnlinked,
    CustomerUpdated,
    CustomerVerified,
)
from contracts.partner import (
    PartnerJoined,
    PartnerOperatorAdded,
    PartnerOperatorChanged,
    PartnerOperatorEvent,
)
from gateway.identity.end_ungranted import end_ungranted
from gateway.identity.keep_principals import (
    bind_password,
    keep_authorization,
    keep_customer,
    keep_operator,
    keep_partner,
)
from gateway.identity.keyring import end_after_commit
from gateway.identity.known_credentials import KnownCredentials


def identity_consumers(known: KnownCredentials) -> Consumers:
    """The consumer group; what an event changes ends in this process's `known` at once."""
    consumers = Consumers("gateway_identity")

    def ends(session: AsyncSession, *who: str) -> None:
        end_after_commit(session, known, who)

    @consumers.on(PartnerJoined)
    async def on_partner_joined(event: PartnerJoined, session: EventSession) -> None:
        await keep_partner(session, event)
        ends(session, event.partner_id)

    async def keep_person(
        event: PartnerOperatorEvent, session: EventSession, credential_ref: str | None
    ) -> None:
        await keep_operator(session, event)
        await bind_password(session, credential_ref, event.operator_id)
        ends(session, event.operator_id)

    @consumers.on(PartnerOperatorAdded)
    async def on_partner_operator_added(event: PartnerOperatorAdded, session: EventSession) -> None:
        await keep_person(event, session, event.credential_ref)

    @consumers.on(PartnerOperatorChanged)
    async def on_partner_operator_changed(
        event: PartnerOperatorChanged, session: EventSession
    ) -> None:
        await keep_person(event, session, event.credential_ref)

    @consumers.on(CustomerRegistered)
    async def on_customer_registered(event: CustomerRegistered, session: EventSession) -> None:
        await keep_customer(session, event)
        await bind_password(session, event.credential_ref, event.customer_id)
        ends(session, event.customer_id)

    async def keep(event: CustomerEvent, session: EventSession) -> None:
        await keep_customer(session, event)
        await end_ungranted(session, event.customer_id)
        ends(session, event.customer_id)

    @consumers.on(CustomerUpdated)
    async def on_customer_updated(event: CustomerUpdated, session: EventSession) -> None:
        await keep(event, session)

    @consumers.on(CustomerAssociated)
    async def on_customer_associated(event: CustomerAssociated, session: EventSession) -> None:
        await keep(event, session)

    @consumers.on(CustomerAssociationChanged)
    async def on_customer_association_changed(
        event: CustomerAssociationChanged, session: EventSession
    ) -> None:
        await keep(event, session)

    @consumers.on(CustomerFrozen)
    async def on_customer_frozen(event: CustomerFrozen, session: EventSession) -> None:
        await keep(event, session)

    @consumers.on(CustomerUnfrozen)
    async def on_customer_unfrozen(event: CustomerUnfrozen, session: EventSession) -> None:
        await keep(event, session)

    @consumers.on(CustomerVerified)
    async def on_customer_verified(event: CustomerVerified, session: EventSession) -> None:
        await keep(event, session)

    @consumers.on(CustomerUnlinked)
    async def on_customer_unlinked(event: CustomerUnlinked, session: EventSession) -> None:
        await keep(event, session)

    async def decide(event: AuthorizationEvent, session: EventSession) -> None:
        await keep_authorization(session, event)
        await end_ungranted(session, event.customer_id)
        ends(session, event.customer_id)

    @consumers.on(AuthorizationRequested)
    async def on_authorization_requested(
        event: AuthorizationRequested, session: EventSession
    ) -> None:
        await decide(event, session)

    @consumers.on(AuthorizationGranted)
    async def on_authorization_granted(event: AuthorizationGranted, session: EventSession) -> None:
        await decide(event, session)

    @consumers.on(AuthorizationRefused)
    async def on_authorization_refused(event: AuthorizationRefused, session: EventSession) -> None:
        await decide(event, session)

    @consumers.on(AuthorizationTerminated)
    async def on_authorization_terminated(
        event: AuthorizationTerminated, session: EventSession
    ) -> None:
        await decide(event, session)

    return consumers
