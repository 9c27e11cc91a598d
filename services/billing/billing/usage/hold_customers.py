"""The customers of usage records, held as they are, and the accounts that pay for them."""

from collections.abc import Mapping, Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts.models import AccountMissingError
from billing.accounts.post_movement import OwnerAccounts, lock_accounts
from billing.copies import Customer
from chassis import copies


async def find_customers(session: AsyncSession, ids: Sequence[str]) -> dict[str, Customer]:
    """All of them, waiting for the first that is not known yet; AccountMissingError."""
    known = set(
        await session.scalars(select(Customer.customer_id).where(Customer.customer_id.in_(ids)))
    )
    for customer_id in ids:
        if customer_id not in known:
            late = await copies.find(session, Customer, customer_id)
            if late is None:
                raise AccountMissingError(customer_id)
    return await hold_customers(session, ids)


async def hold_customers(session: AsyncSession, ids: Sequence[str]) -> dict[str, Customer]:
    """As they are now and stay until the charge is committed: whose they are stands on the line.

    Locked as the end of an association locks them: before any account.
    """
    held = await session.scalars(
        select(Customer)
        .where(Customer.customer_id.in_(ids))
        .order_by(Customer.customer_id)
        .with_for_update(read=True)
        .execution_options(populate_existing=True)
    )
    return {customer.customer_id: customer for customer in held}


async def lock_payers(
    session: AsyncSession, customers: Mapping[str, Customer]
) -> Mapping[str, OwnerAccounts]:
    """Of all customers, whose packages they guard, and of the masters that pay for some of them.

    Raises:
        AccountMissingError: a master that nobody has named.

    """
    owners = dict.fromkeys(customers)
    for customer in customers.values():
        if customer.payer_id not in owners:
            if await copies.find(session, Customer, customer.payer_id) is None:
                raise AccountMissingError(customer.payer_id)
            owners[customer.payer_id] = None
    return await lock_accounts(session, *owners)
