"""Voucher's copies of the customers that a request names."""

from collections.abc import Collection

from sqlalchemy import ARRAY, Text, any_, bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import copies
from voucher.copies import PENDING, Customer

# Made once, with one parameter, however many they are.
_IS_ONE_OF = Customer.customer_id == any_(bindparam("customer_ids", type_=ARRAY(Text)))
_KNOWN = select(Customer).where(_IS_ONE_OF).execution_options(populate_existing=True)
_LOCKED = _KNOWN.order_by(Customer.customer_id).with_for_update(read=True)
_READY = select(func.count()).where(_IS_ONE_OF, Customer.association_status != PENDING)


async def find_customers(session: AsyncSession, customer_ids: list[str]) -> dict[str, Customer]:
    """The known ones by id, after up to two seconds for the events that make them associated.

    All are waited for together (decision 0008: create, then use at once, must work).
    """

    async def look(asked: AsyncSession) -> dict[str, Customer] | None:
        found = await known_customers(asked, customer_ids)
        ready = all(customer.association_status != PENDING for customer in found.values())
        return found if ready and len(found) == len(customer_ids) else None

    return await copies.until(session, look) or await known_customers(session, customer_ids)


async def known_customers(session: AsyncSession, customer_ids: list[str]) -> dict[str, Customer]:
    """The known ones by id, as they are now."""
    rows = await session.scalars(_KNOWN, {"customer_ids": customer_ids})
    return {customer.customer_id: customer for customer in rows}


async def lock_customers(
    session: AsyncSession, customer_ids: Collection[str]
) -> dict[str, Customer]:
    """The known ones by id, as they are now and stay until the transaction ends.

    What depends on an association locks it before anything else: the end of the association locks
    the customer, then its coupons, then their quotas, and takes back what was committed before.
    """
    rows = await session.scalars(_LOCKED, {"customer_ids": list(customer_ids)})
    return {customer.customer_id: customer for customer in rows}


async def lock_ready_customers(
    session: AsyncSession, customer_ids: list[str]
) -> dict[str, Customer]:
    """The same, after up to two seconds for the events that make them associated.

    A request that has to wait is begun anew, and so lets go of what it locked here.
    """

    async def look(asked: AsyncSession) -> bool | None:
        return (
            await asked.scalar(_READY, {"customer_ids": customer_ids}) == len(customer_ids) or None
        )

    customers = await lock_customers(session, customer_ids)
    are_ready = all(one.association_status != PENDING for one in customers.values())
    if are_ready and len(customers) == len(customer_ids):
        return customers
    await copies.until(session, look)
    return await lock_customers(session, customer_ids)
