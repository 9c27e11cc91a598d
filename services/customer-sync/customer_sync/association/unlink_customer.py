"""The association ends: what follows from it here."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import outbox
from customer_sync.authorizations.facts import authorization_fact
from customer_sync.authorizations.models import ACTIVE, REQUESTED, Authorization
from customer_sync.customers.facts import customer_fact
from customer_sync.customers.models import Customer


async def unlink_customer(session: AsyncSession, customer: Customer, now: datetime) -> None:
    """Unlink; states `customer.unlinked` and the end of its authorization.

    The customer is locked.

    Raises:
        StateConflictError: not associated.

    """
    fact = customer.unlink(now)
    await end_authorization(session, customer, now)
    outbox.publish(session, customer_fact(fact, customer, now))


async def end_authorization(session: AsyncSession, customer: Customer, now: datetime) -> None:
    """No grant outlives the association; a request nobody answered ends with it too."""
    known = await session.scalars(
        select(Authorization)
        .where(
            Authorization.customer_id == customer.id,
            Authorization.status.in_((REQUESTED, ACTIVE)),
        )
        .with_for_update()
    )
    for authorization in known.all():
        authorization.terminate(now)
        outbox.publish(session, authorization_fact(authorization, now))
