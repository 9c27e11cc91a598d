"""The events identity acts on: who there is, and which grants stand."""

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.consumers import Consumers
from chassis.database import EventSession
from contracts.customer import AuthorizationEvent, CustomerEvent, CustomerRegistered
from contracts.partner import PartnerEvent, PartnerOperatorEvent
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

    @consumers.on_each(PartnerEvent)
    async def on_partner(event: PartnerEvent, session: EventSession) -> None:
        await keep_partner(session, event)
        ends(session, event.partner_id)

    @consumers.on_each(PartnerOperatorEvent)
    async def on_operator(event: PartnerOperatorEvent, session: EventSession) -> None:
        await keep_operator(session, event)
        await bind_password(session, event.credential_ref, event.operator_id)
        ends(session, event.operator_id)

    @consumers.on_each(CustomerEvent)
    async def on_customer(event: CustomerEvent, session: EventSession) -> None:
        await keep_customer(session, event)
        await end_ungranted(session, event.customer_id)
        ends(session, event.customer_id)

    @consumers.on(CustomerRegistered)
    async def on_customer_registered(event: CustomerRegistered, session: EventSession) -> None:
        await keep_customer(session, event)
        await bind_password(session, event.credential_ref, event.customer_id)
        ends(session, event.customer_id)

    @consumers.on_each(AuthorizationEvent)
    async def on_authorization(event: AuthorizationEvent, session: EventSession) -> None:
        await keep_authorization(session, event)
        await end_ungranted(session, event.customer_id)
        ends(session, event.customer_id)

    return consumers
