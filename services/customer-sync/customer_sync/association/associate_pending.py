"""Make the associations whose time has come (docs/domain/customers.md B.2)."""

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import outbox
from chassis.database import Database
from customer_sync.customers.facts import customer_fact
from customer_sync.customers.models import PENDING, Customer, PendingAssociation

CUSTOMERS_MAX = 100  # in one transaction


async def associate_pending(database: Database, now: datetime) -> None:
    """Schedule: associate each customer that is due, and state `customer.associated`.

    Replicas share the work; what a kill leaves undone is due at the next turn.
    """
    while True:
        async with database.transaction() as session:
            made = await _associate_portion(session, now)
        if made < CUSTOMERS_MAX:
            return


async def next_association(session: AsyncSession) -> datetime | None:
    """When the next one is due."""
    return await session.scalar(select(func.min(PendingAssociation.due_at)))


async def _associate_portion(session: AsyncSession, now: datetime) -> int:
    found = await session.scalars(
        select(PendingAssociation)
        .where(PendingAssociation.due_at <= now)
        .order_by(PendingAssociation.due_at, PendingAssociation.customer_id)
        .limit(CUSTOMERS_MAX)
        .with_for_update(skip_locked=True)
    )
    due = found.all()
    ids = [one.customer_id for one in due]
    # One order for all who lock many: none waits for another that waits for it.
    customers = await session.scalars(
        select(Customer)
        .where(Customer.id.in_(ids), Customer.association_status == PENDING)
        .order_by(Customer.id)
        .with_for_update()
    )
    for customer in customers.all():
        outbox.publish(session, customer_fact(customer.associate(now), customer, now))
    for one in due:
        await session.delete(one)
    return len(due)
