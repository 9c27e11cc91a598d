"""A customer for a command on it, locked; the caller must own it or stand above its owner."""

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.errors import NotFoundError
from chassis.identity import Principal
from customer_sync.customers.models import Customer


async def find_customer(session: AsyncSession, principal: Principal, customer_id: str) -> Customer:
    """The customer, locked until the transaction ends.

    Raises:
        NotFoundError: no such customer, or another partner's.

    """
    mine = or_(Customer.partner_id == principal.id, Customer.distributor_id == principal.id)
    wanted = select(Customer).where(Customer.id == customer_id, mine).with_for_update()
    found = await session.scalar(wanted.execution_options(populate_existing=True))
    if found is None:
        raise NotFoundError
    return found
