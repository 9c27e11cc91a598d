"""Voucher's copies of the customers that a request names."""

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import copies
from voucher.copies import CustomerCopy


async def find_customers(session: AsyncSession, customer_ids: list[str]) -> dict[str, CustomerCopy]:
    """The known ones by id, after up to two seconds for the events that make them associated.

    All are waited for together (decision 0008: create, then use at once, must work).
    """

    async def look(asked: AsyncSession) -> dict[str, CustomerCopy] | None:
        found = await _known_customers(asked, customer_ids)
        ready = all(customer.association_status != "pending" for customer in found.values())
        return found if ready and len(found) == len(customer_ids) else None

    return await copies.until(session, look) or await _known_customers(session, customer_ids)


async def _known_customers(
    session: AsyncSession, customer_ids: list[str]
) -> dict[str, CustomerCopy]:
    rows = await session.scalars(
        select(CustomerCopy)
        .where(CustomerCopy.customer_id.in_(customer_ids))
        .execution_options(populate_existing=True)
    )
    return {customer.customer_id: customer for customer in rows}


async def lock_customers(
    session: AsyncSession, customer_ids: Collection[str]
) -> dict[str, CustomerCopy]:
    """The known ones by id, as they are now and stay until the transaction ends.

    What depends on an association locks it before anything else: the end of the association locks
    the customer, then its coupons, then their quotas, and takes back what was committed before.
    """
    rows = await session.scalars(
        select(CustomerCopy)
        .where(CustomerCopy.customer_id.in_(customer_ids))
        .order_by(CustomerCopy.customer_id)
        .with_for_update(read=True)
        .execution_options(populate_existing=True)
    )
    return {customer.customer_id: customer for customer in rows}
