"""Whose lines a customer may see: its own, and of its enterprise's members those that show them."""

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.copies import Customer
from chassis.errors import BadFieldError, RefusedError
from chassis.identity import Principal

ONESELF, SUB_CUSTOMER, ALL = "oneself", "sub_customer", "all"  # method


class NotOwnMemberError(RefusedError):
    """No member of the caller's, or one that does not show what it consumes: told alike."""

    code = "CBC.0150"


async def seen_customers(
    session: AsyncSession, principal: Principal, method: str | None, sub_customer_id: str | None
) -> list[str]:
    """The customers whose lines are asked for (docs/domain/bills.md I.6).

    A custody member's are always its master's to see, an independent one's when it agreed.

    Raises:
        BadFieldError: `sub_customer` names nobody.
        NotOwnMemberError

    """
    if method == SUB_CUSTOMER:
        if not sub_customer_id:
            raise BadFieldError("sub_customer_id", "missing")
        if sub_customer_id not in await members_of(session, principal.id):
            raise NotOwnMemberError
        return [sub_customer_id]
    if method == ONESELF:
        return [principal.id]
    return [principal.id, *await members_of(session, principal.id)]


async def members_of(
    session: AsyncSession, master_id: str, *, custody_alone: bool = False
) -> list[str]:
    """The members whose lines a master sees, in the order of their ids."""
    shown = or_(Customer.financial_custody, Customer.shows_consumption)
    found = await session.scalars(
        select(Customer.customer_id)
        .where(Customer.enterprise_master_id == master_id)
        .where(Customer.financial_custody if custody_alone else shown)
        .order_by(Customer.customer_id)
    )
    return list(found)


async def accounts_of(session: AsyncSession, customer_ids: set[str]) -> dict[str, str]:
    """The login name of each."""
    found = await session.execute(
        select(Customer.customer_id, Customer.account_name).where(
            Customer.customer_id.in_(customer_ids)
        )
    )
    return {customer_id: name for customer_id, name in found}


async def currency_of(session: AsyncSession, principal: Principal) -> str | None:
    """In which the caller pays."""
    customer = await session.get(Customer, principal.id)
    return customer.currency if customer else None
