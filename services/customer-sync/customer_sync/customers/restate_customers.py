"""State customers again, so that others can rebuild their copies (decision 0007).

As `customer.updated`, which every consumer only copies. The other contracts open accounts, bind
passwords, take coupons and balances back.
"""

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import defer

from chassis.move_clock import business_now
from chassis.restatement import Restater
from contracts.event import Event
from customer_sync.customers.facts import customer_restated
from customer_sync.customers.models import Customer


async def _count(session: AsyncSession) -> int:
    return await session.scalar(select(func.count()).select_from(Customer)) or 0


async def _next(session: AsyncSession, after: str, limit: int) -> Sequence[Event]:
    """Each as it is now; no column says since when."""
    found = await session.execute(
        select(Customer, business_now())
        .options(defer(Customer.grams))
        .where(Customer.id > after)
        .order_by(Customer.id)
        .limit(limit)
    )
    return [customer_restated(customer, now) for customer, now in found]


CUSTOMERS = Restater("customer", _count, _next)
