"""The association ends: what follows from it here."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import outbox
from customer_sync.count_customers import count_one
from customer_sync.models import ACTIVE, REQUESTED, Authorization, Customer


async def unlink_customer(session: AsyncSession, customer: Customer, now: datetime) -> None:
    """Unlink; states `customer.unlinked` and the end of its authorization.

    The customer is locked; nothing is locked after this.

    Raises:
        StateConflictError: not associated.

    """
    place, fact = customer.place, customer.unlink(now)
    assert place
    await end_authorization(session, customer, now)
    outbox.publish(session, customer.fact(fact, now))
    await session.flush()
    await count_one(session, customer.id, place, -1)


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
        outbox.publish(session, authorization.fact(authorization.terminate(now), now))
