"""State customers again, so that others can rebuild their copies (decision 0007).

As `customer.updated`, which every consumer only copies. The other contracts open accounts, bind
passwords, take coupons and balances back.
"""

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import defer

from chassis.restatement import Restater
from contracts.customer import CustomerUpdated
from contracts.event import Event
from customer_sync.customers.models import Customer


async def _count(session: AsyncSession) -> int:
    return await session.scalar(select(func.count()).select_from(Customer)) or 0


async def _next(session: AsyncSession, after: str, limit: int) -> Sequence[Event]:
    """Each as it is now; no column says since when."""
    found = await session.execute(
        select(Customer, func.now())
        .options(defer(Customer.grams))
        .where(Customer.id > after)
        .order_by(Customer.id)
        .limit(limit)
    )
    return [customer.present(CustomerUpdated, now) for customer, now in found]


CUSTOMERS = Restater("customer", _count, _next)
