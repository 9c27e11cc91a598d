"""A master lets a member go: it becomes a customer like others."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit, outbox
from chassis.errors import NotFoundError
from chassis.identity import Principal
from customer_sync.customers.facts import customer_fact
from customer_sync.customers.models import Customer
from customer_sync.enterprise.find_master import find_master
from customer_sync.enterprise.models import Member


async def leave_master(
    session: AsyncSession, principal: Principal, member_id: str, now: datetime
) -> Member:
    """End the membership; states `customer.updated`. The association with the partner stays.

    Raises:
        WrongPrincipalError: no enterprise master.
        NotFoundError: not one of the caller's members.
        StateConflictError: it has left already.

    """
    master = await find_master(session, principal)
    member = await session.get(Member, member_id)
    if member is None or member.master_id != master.id:
        raise NotFoundError
    customer = await session.scalar(
        select(Customer)
        .where(Customer.id == member_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    assert customer is not None
    await session.refresh(member)
    outbox.publish(session, customer_fact(member.leave(customer, now), customer, now))
    audit.record(session, principal, "enterprise.let_go", customer.id, now, master_id=master.id)
    return member
