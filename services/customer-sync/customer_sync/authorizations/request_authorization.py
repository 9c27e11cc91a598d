"""A partner asks its resale customer for the right to act on its behalf, 代客.

See docs/domain/acting-on-behalf.md F6.
"""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit, outbox
from chassis.identity import Principal
from chassis.ids import new_id
from customer_sync.authorizations.facts import authorization_fact
from customer_sync.authorizations.models import ACTIVE, REQUESTED, Authorization
from customer_sync.customers.find_customer import find_customer
from customer_sync.customers.models import ASSOCIATED, StateConflictError
from wire.vocabulary import RESALE_TYPES


async def request_authorization(
    session: AsyncSession, principal: Principal, customer_id: str, now: datetime
) -> Authorization:
    """Ask, and state `authorization.requested`; one request or grant at a time.

    Raises:
        NotFoundError: not the caller's customer.
        StateConflictError: no associated resale customer, or one is open already.

    """
    customer = await find_customer(session, principal, customer_id)
    if customer.association_status != ASSOCIATED or customer.association_type not in RESALE_TYPES:
        raise StateConflictError("only an associated resale customer can authorize its partner")
    opened = await session.scalar(
        select(Authorization.status).where(
            Authorization.customer_id == customer_id,
            Authorization.status.in_((REQUESTED, ACTIVE)),
        )
    )
    if opened is not None:  # the customer's lock keeps a second request waiting until here
        raise StateConflictError(f"an authorization is {opened}")
    authorization = Authorization(
        id=new_id(),
        customer_id=customer.id,
        partner_id=customer.partner_id,
        distributor_id=customer.distributor_id,
        status=REQUESTED,
        requested_at=now,
    )
    session.add(authorization)
    outbox.publish(session, authorization_fact(authorization, now))
    audit.record(session, principal, "authorization.request", authorization.id, now)
    return authorization
